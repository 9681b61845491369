"""How often something may happen: token buckets."""

from __future__ import annotations

from typing import NamedTuple


class Rate(NamedTuple):
    """How often something may happen."""

    per_second: float
    burst: int
    """How much may be saved up."""


class TokenBucket:
    """
    Lets `rate.per_second` events a second pass, and `rate.burst` at once.

    Args:
        rate: How often.
        now: Monotonic seconds; the bucket begins full.
    """

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        if self.is_empty(now):
            return False
        self._tokens -= 1
        return True

    def is_empty(self, now: float) -> bool:
        """Tell whether there is no token to take."""
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        return self._tokens < 1

    def put_back(self) -> None:
        """Undo one `take`."""
        self._tokens = min(self._rate.burst, self._tokens + 1)
