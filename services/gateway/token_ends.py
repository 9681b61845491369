"""When the tokens of open sessions end: the next one is known at once, however many there are."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SLACK: Final = 64
"""Entries that may be out of date before they are swept out, beside as many as there are sessions."""


class TokenEnds(Generic[T]):
    """Sessions in order of their ends; each operation costs O(log n), on average."""

    def __init__(self) -> None:
        self._ends: dict[T, float] = {}
        self._heap: list[tuple[float, int, T]] = []
        """An entry whose time is not that of `_ends` is out of date."""
        self._number = 0
        """Makes entries of one time comparable."""

    def __len__(self) -> int:
        """Count the sessions."""
        return len(self._ends)

    def extend(self, session: T, ends_at: float) -> float:
        """Let a session end at this time, or later if it would already; return when, monotonic seconds."""
        held = self._ends.get(session)
        if held is not None and held >= ends_at:
            return held  # its entry stands; another would be as true, and never be swept out
        self._ends[session] = ends_at
        self._number += 1
        heapq.heappush(self._heap, (ends_at, self._number, session))
        if len(self._heap) > 2 * len(self._ends) + SLACK:
            self._sweep()
        return ends_at

    def forget(self, session: T) -> None:
        """Drop a session; one that is not there is dropped already."""
        self._ends.pop(session, None)
        if not self._ends:
            self._heap.clear()  # entries that are out of date would keep those who have left

    def is_due(self, now: float) -> bool:
        """Tell whether `due` may have any; costs one comparison."""
        return bool(self._heap) and self._heap[0][0] <= now

    def due(self, now: float) -> Iterator[T]:
        """Hand over the sessions that have ended, the earliest first; monotonic seconds."""
        while self.is_due(now):
            ends_at, _, session = heapq.heappop(self._heap)
            if self._ends.get(session) == ends_at:
                del self._ends[session]
                yield session

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if self._ends.get(entry[2]) == entry[0]]
        heapq.heapify(self._heap)
