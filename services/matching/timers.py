"""What happens by itself: moments at which the engine does something before it applies the next command.

Owns their order and their bound. Leaves to others what happens. Nothing is called here, and there is no clock: the
engine asks what is due by the log's time. Invariant: of a kind and a key there is one timer at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

TIMERS_MAX: Final = 50_000
"""Timers of a shard. Whoever sets one for a user's order asks `has_room` first, and refuses the order."""
NEVER: Final = 1 << 62
"""Later than any time."""
EXPIRY_RANK: Final = 0
"""What happens at the same moment happens in this order: what ends, ends first;"""
RULE_RANK: Final = 1
"""then rules begin and end;"""
PHASE_RANK: Final = 2
"""then phases change;"""
UNCROSS_RANK: Final = 3
"""and calls are uncrossed last."""


class Timer(NamedTuple):
    """One moment; ordered by time, rank and number."""

    due_us: int
    """µs since 1970."""
    rank: int
    number: int
    """Running: of the same moment and rank, what was set first comes first."""
    kind: str
    """What is to happen."""
    key: str
    """To what."""


class Timers:
    """
    All timers of a shard.

    Args:
        rows: As `rows` gave them.
        number: Of the last one that was set.
    """

    __slots__ = ("_heap", "_live", "next_due", "number", "wake_us")

    def __init__(self, rows: Iterable[tuple[int, int, int, str, str]] = (), number: int = 0) -> None:
        self._heap = [Timer(*row) for row in rows]
        heapify(self._heap)
        self._live = {(timer.kind, timer.key): timer for timer in self._heap}
        self.number = number
        self.next_due = NEVER
        """When the next one is due, µs, or before; NEVER if there is none."""
        self.wake_us = 0
        """From when on the engine has something else to do before it applies a command, µs, or before: one question a
        command instead of six. Lowered by `set` and `wake_at_once`; the engine raises it once that is done."""
        self._look()

    def __len__(self) -> int:
        return len(self._live)

    @property
    def has_room(self) -> bool:
        """Whether there may be another one."""
        return len(self._live) < TIMERS_MAX

    def due(self, kind: str, key: str) -> int:
        """Return when something is due, µs, or NEVER; O(1)."""
        timer = self._live.get((kind, key))
        return timer.due_us if timer is not None else NEVER

    def set(self, kind: str, key: str, due_us: int, rank: int) -> None:
        """Have something happen then, and not at the time that was set before; O(log timers), see `forget`."""
        self.forget(kind, key)
        self.number += 1
        timer = self._live[kind, key] = Timer(due_us, rank, self.number, kind, key)
        heappush(self._heap, timer)
        self.next_due = min(self.next_due, due_us)
        self.wake_us = min(self.wake_us, due_us)

    def wake_at_once(self) -> None:
        """Have the engine look before the next command: something waits to be gone on with."""
        self.wake_us = 0

    def forget(self, kind: str, key: str) -> None:
        """Have it not happen; O(1), and once in many times O(timers), some 10 ms with TIMERS_MAX of them."""
        if self._live.pop((kind, key), None) is None:
            return
        if len(self._heap) > 2 * len(self._live) + 64:
            self._heap = list(self._live.values())
            heapify(self._heap)

    def pop(self, time_us: int) -> Timer | None:
        """Take what is due next at that time, or None; O(log timers)."""
        while self._heap and self._heap[0].due_us <= time_us:
            timer = heappop(self._heap)
            if self._live.get((timer.kind, timer.key)) is timer:
                del self._live[timer.kind, timer.key]
                self._look()
                return timer
        self._look()
        return None

    def is_due(self, time_us: int) -> bool:
        """Tell whether something is due at that time; O(1), and O(log timers) for each that was forgotten."""
        heap, live = self._heap, self._live
        while heap and heap[0].due_us <= time_us:
            if live.get((heap[0].kind, heap[0].key)) is heap[0]:
                return True
            heappop(heap)
        self._look()
        return False

    def rows(self) -> list[Timer]:
        """Return all of them in the order in which they are due; O(n log n)."""
        return sorted(self._live.values())

    def _look(self) -> None:
        self.next_due = self._heap[0].due_us if self._heap else NEVER
