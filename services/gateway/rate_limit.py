"""One user's share of a gateway, and the share of all clients that send ahead.

Limits are per user, not per address: an office shares one address.
"""

from __future__ import annotations

from typing import Final

from shared.token_bucket import Rate, TokenBucket

READING_SHARE: Final = 1 / 3
"""Of the time, for reading what clients have sent ahead; the rest is everybody else's, however many flood."""
SAVED_S_MAX: Final = 0.01
"""What may be saved up: some hundreds of orders, sent at once, are read at once."""

OVERDRAWN_S_MAX: Final = 0.006
"""So the wait for more is 18 ms at most, even if the processor was somebody else's for longer."""


class UserShare:
    """
    What one user's connections to this gateway share.

    Args:
        requests: Rate of requests other than orders.
        orders: Rate of orders, cancels and replaces.
        now: Monotonic seconds.
    """

    __slots__ = ("connections", "orders", "requests")

    def __init__(self, requests: Rate, orders: Rate, now: float) -> None:
        self.connections = 0
        self.requests = TokenBucket(requests, now)
        self.orders = TokenBucket(orders, now)


class ReadingTime:
    """
    How much of the time goes into what clients have sent ahead, beyond one request at a time: a budget of seconds.

    One thread serves everybody. Megabytes from one client are read in slices, with everybody else's work between them.
    All such reading together gets a share of the time. Unused time is saved up, so an honest burst is read at once.

    Args:
        now: Monotonic seconds; it begins full.
    """

    __slots__ = ("_at", "_left_s")

    def __init__(self, now: float) -> None:
        self._left_s = SAVED_S_MAX
        self._at = now

    def wait_s(self, now: float) -> float:
        """Return how long to wait before more is read; 0 while there is time left."""
        self._left_s = min(SAVED_S_MAX, self._left_s + max(0.0, now - self._at) * READING_SHARE)
        self._at = now
        return 0.0 if self._left_s > 0 else -self._left_s / READING_SHARE

    def spend(self, seconds: float) -> None:
        """Note time spent, which may overdraw the budget."""
        self._left_s = max(-OVERDRAWN_S_MAX, self._left_s - seconds)
