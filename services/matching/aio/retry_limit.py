"""How long to retry with a store that does not answer."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Final

import structlog

from openoutcry.wire.backoff import Backoff
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.store_failure import store_failure
from shared.store_errors import StoreUnavailable

RETRY_MAX_S: Final = 0.2
"""Longest pause between two tries: short beside a lease, since a leader that finds its store back only after it has
run out must assume that another led meanwhile."""


class RetryLimit:
    """
    The pauses between tries, and their end.

    Args:
        limit_s: How long in all, from the first failure on.
        stop: Ends a pause early, and all patience with it.
        random: Source of the jitter.
    """

    def __init__(self, limit_s: float, stop: asyncio.Event, random: Random) -> None:
        self._limit_s = limit_s
        self._stop = stop
        self._backoff = Backoff(random, max_s=RETRY_MAX_S)
        self._since: float | None = None
        self.reason = ""
        """Why the store did not do its work when it was last asked; empty if it did."""

    def answered(self) -> None:
        """Forget the failures: the store answers."""
        if self._since is not None:
            self._since = None
            self.reason = ""
            self._backoff.reset()
            structlog.get_logger().info("the store answers again")

    async def wait(self, error: Exception | str) -> None:
        """
        Pause after a failure.

        Raises:
            StoreUnavailable: If the limit is reached, or the process is to stop.
        """
        raise_if_cancelled()  # the failure may be what is left of a cancellation
        now = time.monotonic()
        if self._since is None:
            self._since = now
        reason = store_failure(error) if isinstance(error, Exception) else error
        if reason != self.reason:
            self.reason = reason
            structlog.get_logger().warning("the store does not do its work; trying again", error=reason)
        away_s = now - self._since
        if away_s >= self._limit_s or self._stop.is_set():
            raise StoreUnavailable(f"Redis has not done its work for {away_s:.1f} s: {reason}")
        try:
            async with asyncio.timeout(self._backoff.next_delay()):
                await self._stop.wait()
        except TimeoutError:
            pass
