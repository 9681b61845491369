"""Users for checks: each has its own while it runs, so that no check meets another's limits, orders or messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from outcry.conformance.users import CheckUser


class UserPool:
    """
    Lends users.

    Args:
        users: All there are.
    """

    def __init__(self, users: Iterable[CheckUser]) -> None:
        self._free = deque(users)
        self._returned = asyncio.Condition()

    @asynccontextmanager
    async def lend(self, count: int) -> AsyncIterator[list[CheckUser]]:
        """Lend this many, all at once, the longest unused first; wait until they are there."""
        async with self._returned:
            await self._returned.wait_for(lambda: len(self._free) >= count)
            users = [self._free.popleft() for _ in range(count)]
        try:
            yield users
        finally:
            async with self._returned:
                self._free.extend(users)
                self._returned.notify_all()
