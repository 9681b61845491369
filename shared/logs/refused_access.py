"""Refused logins and permissions, for the record: a bounded stream beside the two logs, which nobody waits for.

They are no part of the market: two runs of the same log need not have the same. Gateways append, the ledger reads. What
is more than the stream holds, or than one process tells in a second, is lost.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

ACCESS_ENTRIES_MAX: Final = 100_000
"""Entries that the stream keeps, about."""
TOLD_A_SECOND_MAX: Final = 100
"""Entries that one process appends in a second."""
WAITING_MAX: Final = 200
TEXT_MAX: Final = 200
"""Characters of a text; what somebody claims may be long."""


class RefusedEntry(NamedTuple):
    """One refusal; its fields are those of the stream's entries."""

    where: str
    """gateway or ledger."""
    user: str
    """As far as it is proven; "": nobody."""
    code: str
    text: str
    time: int
    """µs since 1970."""

    def fields(self) -> list[str]:
        """Return names and values in turn, as XADD takes them."""
        return [part for name, value in self._asdict().items() for part in (name, str(value)[:TEXT_MAX])]


def read_refused(fields: dict[bytes, bytes]) -> RefusedEntry:
    """
    Read an entry's fields.

    Raises:
        ValueError: If nobody of ours wrote it; or KeyError.
    """
    texts = [fields[name.encode()].decode() for name in RefusedEntry._fields]
    return RefusedEntry(texts[0], texts[1], texts[2], texts[3], int(texts[4]))


class RefusedAccesses:
    """
    What one process has refused and not told yet, bounded: the oldest gives way.

    Args:
        where: Which process this is.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._waiting: deque[RefusedEntry] = deque(maxlen=WAITING_MAX)

    def tell(self, user: str, code: str, text: str, time_us: int) -> None:
        """Take a refusal; O(1), whatever happens to it."""
        self._waiting.append(RefusedEntry(self._where, user, code, text, time_us))

    def take(self) -> list[RefusedEntry]:
        """Return what is to be told now, at most TOLD_A_SECOND_MAX."""
        return [self._waiting.popleft() for _ in range(min(TOLD_A_SECOND_MAX, len(self._waiting)))]
