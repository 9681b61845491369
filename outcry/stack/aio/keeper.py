"""Keeps a stack up: a part that dies is started again, and reported."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from outcry.stack.aio.child import Child
from outcry.stack.aio.stack import Stack
from outcry.stack.restarts import Restarts

WATCH_SECONDS: Final = 0.25


class Keeper:
    """
    Watches the parts of a stack.

    Args:
        stack: Started.
        say: Where to say what is going on.
        restarts_max: Restarts of one part within a minute (`Restarts`); one more death ends the stack, with the part's
            log.
    """

    def __init__(self, stack: Stack, say: Callable[[str], None], restarts_max: int) -> None:
        self._stack = stack
        self._say = say
        self._restarts = Restarts(restarts_max)
        self._held: dict[str, float] = {}
        self.endings: list[tuple[str, int]] = []
        """Name and exit status of every part that has been started again, in order."""

    def hold(self, child: Child, seconds: float) -> None:
        """Leave a part that is about to be killed dead for so long."""
        self._held[child.name] = time.monotonic() + seconds

    async def run(self) -> None:
        """
        Start parts again until cancelled.

        Raises:
            RoleFailed: If one keeps dying.
        """
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for child in self._stack.parts:
                status = child.exit_status()
                if status is not None and time.monotonic() >= self._held.get(child.name, 0.0):
                    self.tell_restart(child)
                    self.endings.append((child.name, status))
                    child.restart()

    def tell_restart(self, child: Child) -> None:
        """
        Say that a part is started again, and count it.

        Raises:
            RoleFailed: If it has been too often.
        """
        if not self._restarts.count(child.name, time.monotonic()):
            child.check_alive()
        status = child.exit_status()
        how = f"{child.name} failed" if status is None else child.how_it_ended()
        why = f": {child.last_words()}" if status is not None and status > 0 else ""
        self._say(f"{how}{why}; starting it again")
