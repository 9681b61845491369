"""When to flush: at once after a pause, else at the end of the interval.

At rest a change goes out the moment it arrives; in a storm there is one flush an interval, so the work is bounded
whatever the market does.
"""

from __future__ import annotations

from services.gateway.channel import Channel
from services.gateway.subscriber import Subscriber


class Pacer:
    """
    Collects the channels of one interval that have something to send.

    Args:
        interval_s: Shortest time between two flushes, seconds.
    """

    __slots__ = ("_dirty", "_last_flush", "interval_s")

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self._last_flush = float("-inf")
        self._dirty: dict[Channel[Subscriber], None] = {}

    def mark(self, channel: Channel[Subscriber]) -> None:
        """Note that a channel has something to send; marking twice is once."""
        self._dirty[channel] = None

    def forget(self, channel: Channel[Subscriber]) -> None:
        """Take a channel out that nobody follows any more: what it was marked for may be listed no more."""
        self._dirty.pop(channel, None)

    def next_deadline(self) -> float | None:
        """When to flush, monotonic seconds; in the past means now, None means never."""
        return self._last_flush + self.interval_s if self._dirty else None

    def take_due(self, now: float) -> list[Channel[Subscriber]]:
        """Hand over the channels to flush now, in the order they were marked; empty before the deadline."""
        if not self._dirty or now < self._last_flush + self.interval_s:
            return []
        return self.take_all(now)

    def take_all(self, now: float) -> list[Channel[Subscriber]]:
        """Hand over all marked channels, due or not."""
        self._last_flush = now
        due = list(self._dirty)
        self._dirty.clear()
        return due
