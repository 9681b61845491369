"""A contestant that is always ready for the next look: opened when needed, and anew when the last look wore it out."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Final, Self

from benchmarks.fan_out.contestant import Contestant, Running
from benchmarks.fan_out.look import Look, look
from benchmarks.fan_out.usage import memory_bytes
from outcry.stack.aio.stop_signal import Interrupted, StopSignal

REST_SECONDS: Final = 0.5
"""After opening, until the memory of idle connections is measured."""


class Arena:
    """
    Holds at most one running contestant; an asynchronous context manager that ends it.

    Args:
        contestant: Who.
        users: How many.
        stop: Ctrl-C.
    """

    def __init__(self, contestant: Contestant, users: int, stop: StopSignal) -> None:
        self.contestant: Final = contestant
        self.users: Final = users
        self.idle_bytes = 0.0
        """What one more idle connection takes of the servers' memory, from the last opening."""
        self._stop = stop
        self._ends = contextlib.AsyncExitStack()
        self._running: Running | None = None

    async def look(self, rate: float, size: int, seconds: float, warming_s: float) -> Look:
        """
        Look at it, in a state as if it had just been opened.

        Raises:
            UsersFailed: If users cannot be opened, or their program fails.
            RoleFailed: If a part of the contestant fails.
            Interrupted: At Ctrl-C.
        """
        if self._stop.is_set:
            raise Interrupted
        running = self._running or await self._open()
        seen = await look(running, rate, size, seconds, warming_s)
        if not seen.sustains():
            await self._close()  # what it has not sent yet would be the next look's
        return seen

    async def __aenter__(self) -> Self:
        """Open it."""
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _open(self) -> Running:
        running = await self._ends.enter_async_context(self.contestant.open(self.users, self._stop))
        before = memory_bytes(running.servers)
        await asyncio.to_thread(running.users.open_all)
        await asyncio.sleep(REST_SECONDS)
        self.idle_bytes = (memory_bytes(running.servers) - before) / self.users
        self._running = running
        return running

    async def _close(self) -> None:
        self._running = None
        await self._ends.aclose()
