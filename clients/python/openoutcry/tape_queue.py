"""A bounded queue of numbered things: when its reader is slow the oldest go, and the reader gets their numbers."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

from openoutcry.trade_tape import Missing

T = TypeVar("T")

TAPE_QUEUE_MAX: Final = 10_000
"""Things that a reader may be behind; beyond it the oldest are dropped, and named as missing."""


class TapeQueue(Generic[T]):
    """
    What one reader has not taken yet.

    Args:
        limit: Most things kept.
    """

    __slots__ = ("_held", "_limit", "_missing")

    def __init__(self, limit: int = TAPE_QUEUE_MAX) -> None:
        self._limit = limit
        self._held: deque[tuple[int, T | Missing]] = deque()
        self._missing: Missing | None = None
        """What was dropped from the left end since the reader last looked."""

    def __len__(self) -> int:
        return len(self._held) + (self._missing is not None)

    def add(self, number: int, thing: T) -> None:
        """Append a thing, numbered after all before."""
        self._append(number, thing)

    def add_missing(self, missing: Missing) -> None:
        """Append the news that some will not come."""
        self._append(missing.first, missing)

    def take(self) -> T | Missing | None:
        """Return the oldest, None if there is none; what was dropped is named before what came after it."""
        if self._missing is not None:
            missing, self._missing = self._missing, None
            return missing
        return self._held.popleft()[1] if self._held else None

    def _append(self, number: int, thing: T | Missing) -> None:
        if len(self._held) >= self._limit:
            oldest, dropped = self._held.popleft()
            last = dropped.last if isinstance(dropped, Missing) else oldest
            self._missing = Missing(self._missing.first if self._missing else oldest, last)
        self._held.append((number, thing))
