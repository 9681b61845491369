"""How long changes of the market were on their way, over the last minute."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

WINDOW_S: Final = 60.0
"""Time that is looked back."""
RECENT_S: Final = 5.0
DELAYS_MAX: Final = 2_048
"""Delays kept; with more of them the window is shorter."""


class Delay(NamedTuple):
    """Of the last minute, µs."""

    now: int
    """The newest."""
    p99: int
    """What 99 of 100 did not exceed."""
    is_recent: bool = True
    """Whether the newest came within the last seconds: in a quiet market a late change says nothing of now."""


class RecentDelays:
    """The delays of a connection's changes."""

    def __init__(self) -> None:
        self._held: deque[tuple[float, int]] = deque(maxlen=DELAYS_MAX)

    def add(self, now: float, delay_us: int) -> None:
        """Note that a change was heard after so many µs; clocks that differ make it 0 at least."""
        self._held.append((now, max(0, delay_us)))

    def summary(self, now: float) -> Delay | None:
        """Return the last minute's; None if nothing was heard in it. O(n log n): ask once a second."""
        while self._held and now - self._held[0][0] > WINDOW_S:
            self._held.popleft()
        if not self._held:
            return None
        ordered = sorted(delay for _, delay in self._held)
        at, newest = self._held[-1]
        return Delay(newest, ordered[-(-len(ordered) * 99 // 100) - 1], now - at <= RECENT_S)
