"""What has been seen before, within bounds: the sources of commands and the users' own order ids.

Owns two windows that live in checkpoints, because without them the log could not be read twice. Each forgets its
oldest entry beyond its limit. Both change only when a command is applied, never when one is skipped, so reading the
log again leaves them as they are.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

SOURCES_MAX: Final = 4096
"""Writers remembered; more than may write between two checkpoints. The one silent longest is forgotten first."""
CLIENT_ORDER_IDS_MAX: Final = 32768
"""Users' order ids remembered, over all users, beside those of resting orders. The oldest is forgotten first."""


class Sources:
    """The highest command number applied of each writer."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Iterable[tuple[str, int]] = ()) -> None:
        self._numbers = OrderedDict(numbers)

    def rows(self) -> list[tuple[str, int]]:
        """Return (source, number), the one silent longest first; what the constructor takes."""
        return list(self._numbers.items())

    def advance(self, source: str, number: int) -> bool:
        """Count a command; False if it or a later one of its source has been applied. O(1)."""
        numbers = self._numbers
        if number <= numbers.get(source, 0):
            return False
        numbers[source] = number
        numbers.move_to_end(source)
        if len(numbers) > SOURCES_MAX:
            numbers.popitem(last=False)
        return True


class ClientOrderIds:
    """The last client order ids that were accepted, of all users."""

    __slots__ = ("_recent", "known")

    def __init__(self, recent: Iterable[tuple[str, str]] = ()) -> None:
        self._recent = deque(recent)
        self.known = set(self._recent)
        """As (user, client_order_id): to be asked, never iterated or changed from outside."""

    def rows(self) -> list[tuple[str, str]]:
        """Return (user, client_order_id), oldest first; what the constructor takes."""
        return list(self._recent)

    def add(self, key: tuple[str, str]) -> None:
        """Remember (user, client_order_id), which must be new; O(1)."""
        self._recent.append(key)
        self.known.add(key)
        if len(self._recent) > CLIENT_ORDER_IDS_MAX:
            self.known.discard(self._recent.popleft())
