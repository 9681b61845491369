"""Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once, and both leave nothing behind."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from outcry.stack.aio.child import Child, TooLate

POLL_SECONDS: Final = 0.05


class Interrupted(Exception):
    """The run was asked to end before it had anything to show."""


class StopSignal:
    """
    A wish to end.

    Takes over SIGINT and SIGTERM of the running loop; the second signal cancels the task that made this.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)

    @property
    def is_set(self) -> bool:
        """Whether the wish has been heard."""
        return self._event.is_set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for the wish, at most so long; True if it was heard."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        return True

    async def until(
        self, ready: Callable[[], Awaitable[bool]], seconds: float, what: str, needed: Sequence[Child] = ()
    ) -> None:
        """
        Wait until something is ready.

        Args:
            ready: Asked every POLL_SECONDS.
            seconds: The deadline, from now.
            what: Completes "… did not … in time", for the error.
            needed: Children without which it never will be.

        Raises:
            Interrupted: If the run was asked to end meanwhile.
            RoleFailed: If a needed child ended, or (TooLate) the deadline passed; with the last lines of a log.
        """
        give_up = asyncio.get_running_loop().time() + seconds
        while not await ready():
            for child in needed:
                child.check_alive()
            if asyncio.get_running_loop().time() > give_up:
                raise TooLate.of(what, seconds, needed)
            if await self.wait(POLL_SECONDS):
                raise Interrupted

    def _on_signal(self) -> None:
        if self._event.is_set() and self._task is not None:
            self._task.cancel()
        self._event.set()
