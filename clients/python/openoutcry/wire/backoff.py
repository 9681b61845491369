"""Full-jitter backoff: wait a random part of a bound that doubles, so that 1,000 clients do not return as one."""

from __future__ import annotations

from random import Random


class Backoff:
    """
    Delays before the next attempts.

    Args:
        random: Source of the jitter.
        first_s: Bound of the first delay, seconds.
        max_s: Bound that no delay passes, seconds.
    """

    def __init__(self, random: Random, first_s: float = 0.1, max_s: float = 5.0) -> None:
        self._random = random
        self._first_s = first_s
        self._max_s = max_s
        self._bound_s = first_s

    def next_delay(self) -> float:
        """Return how long to wait now, in seconds; the bound doubles with every call."""
        delay = self._random.uniform(0, self._bound_s)
        self._bound_s = min(self._bound_s * 2, self._max_s)
        return delay

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._bound_s = self._first_s
