"""Sends orders when they are due, whatever the outcome of those before."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from outcry.load.aio.user import LoadUser
from outcry.load.counts import LoadCounts
from outcry.load.order_schedule import OrderSchedule

RETRY_SECONDS: Final = 0.005
"""Between two looks for a user who is connected, while orders wait for one."""
WAITING_MAX: Final = 10_000
"""Intended times that may wait for a user who is connected; beyond it the oldest are given up, and counted."""
CANDIDATES_MAX: Final = 64
"""Users tried for one order, before it waits."""


class OrderClock:
    """
    The orders of all users of a process.

    Args:
        users: The users that trade, in turns.
        counts: Where to count.
        phase: As `OrderSchedule` takes it.
    """

    def __init__(self, users: Sequence[LoadUser], counts: LoadCounts, phase: float) -> None:
        self._users = users
        self._counts = counts
        self._schedule = OrderSchedule(0.0, _now_us(), phase)
        self._waiting: deque[int] = deque()
        self._rate_changed = asyncio.Event()
        self._next = 0

    @property
    def waiting(self) -> int:
        """Intended times that have come and wait for a user who is connected."""
        return len(self._waiting)

    def set_rate(self, rate: float) -> None:
        """Send so many orders a second from now on."""
        self._schedule.set_rate(rate if self._users else 0.0, _now_us())
        if not rate:
            self._waiting.clear()
        self._rate_changed.set()

    async def run(self) -> None:
        """Send what is due; never ends by itself."""
        while True:
            await self._sleep()
            self._waiting.extend(self._schedule.due(_now_us()))
            while len(self._waiting) > WAITING_MAX:
                self._waiting.popleft()
                self._counts.orders_unsent += 1
            self._send_waiting()

    async def _sleep(self) -> None:
        """Wait for the next intended time; a new rate cuts it short, or the first order of it would be late."""
        self._rate_changed.clear()
        try:
            async with asyncio.timeout(self._seconds_to_next()):
                await self._rate_changed.wait()
        except TimeoutError:
            return

    def _seconds_to_next(self) -> float | None:
        """Return how long nothing is due; None is until the rate changes."""
        if self._waiting:
            return RETRY_SECONDS
        next_us = self._schedule.next_us()
        return None if next_us is None else max((next_us - _now_us()) / 1_000_000, 0.0)

    def _send_waiting(self) -> None:
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()

    def _send(self, intended_us: int) -> bool:
        """Let the next user who can send an order; False if none of some can."""
        for _ in range(min(CANDIDATES_MAX, len(self._users))):
            user = self._users[self._next % len(self._users)]
            self._next += 1
            if user.connection is not None and user.follower.order(intended_us, _now_us()):
                user.connection.send_requests()
                return True
        return False


def _now_us() -> int:
    return time.time_ns() // 1000
