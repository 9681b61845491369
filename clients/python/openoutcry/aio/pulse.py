"""A pulse: counts how often something moved, and lets any number of tasks wait for the next time."""

from __future__ import annotations

import asyncio
from typing import Final

from openoutcry.errors import Disconnected, RequestRefused

LEFT: Final = 1000
"""Close code of what its owner has left."""


def again(ending: Disconnected | RequestRefused) -> Disconnected | RequestRefused:
    """Return the same error once more: each who waits raises one of his own."""
    if isinstance(ending, RequestRefused):
        return RequestRefused(ending.code, ending.text)
    return Disconnected(ending.code, ending.reason)


class Pulse:
    """
    Movements of one thing.

    There is no queue behind it: a task waits until the count has passed what it has seen, then looks at the thing
    itself. However slow it is, nothing piles up for it.
    """

    __slots__ = ("__weakref__", "_ending", "_is_over", "_waiting", "count")

    def __init__(self) -> None:
        self.count = 0
        self._is_over = False
        self._ending: Disconnected | RequestRefused | None = None
        self._waiting: dict[asyncio.Future[None], None] = {}

    def beat(self) -> None:
        """Count a movement and wake all who wait; O(waiting)."""
        self.count += 1
        self._wake()

    def stop(self, ending: Disconnected | RequestRefused | None) -> None:
        """
        Let nobody wait any more: it will not move again, for this reason or (None) because its owner left.

        The first call decides.
        """
        if not self._is_over:
            self._is_over, self._ending = True, ending
            self._wake()

    async def beyond(self, seen: int) -> int:
        """
        Wait until the count is above `seen`, and return it.

        Raises:
            Disconnected: If the market ended by itself.
            RequestRefused: If the server refused to go on with what moves.
            StopAsyncIteration: If its owner left it.
        """
        while self.count <= seen:
            if self._ending is not None:
                raise again(self._ending)
            if self._is_over:
                raise StopAsyncIteration
            await self._next()
        return self.count

    async def moved(self) -> None:
        """Wait for the next movement. Raises as `beyond`, but `Disconnected` where its owner left it."""
        try:
            await self.beyond(self.count)
        except StopAsyncIteration:
            raise Disconnected(LEFT, "it was left") from None

    async def _next(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            await future
        finally:
            self._waiting.pop(future, None)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting:
            if not future.done():
                future.set_result(None)
