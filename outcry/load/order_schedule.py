"""When orders are meant to be sent, whatever comes of them.

An open loop: the times are fixed by the rate alone. A system that stalls does not slow the schedule down, so delayed
orders are counted with the time that they waited. (A loop that waits for each answer sends fewer orders just when
answers are late: "coordinated omission".) Source: Gil Tene, "How NOT to Measure Latency".
"""

from __future__ import annotations

import math


class OrderSchedule:
    """
    Evenly spaced times, without end.

    Args:
        rate: Orders a second, 0 or more.
        began_us: The schedule's beginning, µs since 1970.
        phase: Part of the space between two orders by which the first is late, 0 to 1: several processes that share a
            rate take turns.
    """

    def __init__(self, rate: float, began_us: int, phase: float = 0.0) -> None:
        self.rate = rate
        self._began_us = began_us
        self._phase = phase
        self._taken = 0

    def set_rate(self, rate: float, now_us: int) -> None:
        """Go on at another rate from now on."""
        self.rate, self._began_us, self._taken = rate, now_us, 0

    def next_us(self) -> int | None:
        """Return when the next order is meant to be sent, µs since 1970; None for never."""
        if not self.rate:
            return None
        return self._began_us + round((self._taken + self._phase) * 1_000_000 / self.rate)

    def due(self, now_us: int) -> list[int]:
        """Return the times that have come since the last call, in order; O(their number)."""
        if not self.rate:
            return []
        elapsed = (now_us - self._began_us) * self.rate / 1_000_000 - self._phase
        first, self._taken = self._taken, max(self._taken, math.floor(elapsed) + 1)
        space_us = 1_000_000 / self.rate
        return [self._began_us + round((place + self._phase) * space_us) for place in range(first, self._taken)]
