"""A reader's tape: trades or executions in order of their numbers, none merged, missing ones by their numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from openoutcry.aio.pulse import Pulse
from openoutcry.errors import RequestRefused
from openoutcry.tape_queue import TAPE_QUEUE_MAX, TapeQueue
from openoutcry.trade_tape import Missing

T = TypeVar("T")


class Tape(AsyncIterator[T | Missing]):
    """
    Yields numbered things, each once; `Missing` stands in the place of those that will not come.

    Args:
        pulse: Stops with the market.
        limit: Things that the reader may be behind; beyond it the oldest are dropped, and named as missing.
    """

    def __init__(self, pulse: Pulse, limit: int = TAPE_QUEUE_MAX) -> None:
        self._queue: TapeQueue[T] = TapeQueue(limit)
        self._pulse = pulse

    def add(self, number: int, thing: T) -> None:
        """Append the next one; called by the market."""
        self._queue.add(number, thing)
        self._pulse.beat()

    def add_missing(self, missing: Missing) -> None:
        """Append the news that some will not come; called by the market."""
        self._queue.add_missing(missing)
        self._pulse.beat()

    def stop(self, refusal: RequestRefused) -> None:
        """Note that nothing more will come; called by the market."""
        self._pulse.stop(refusal)

    def read(self) -> list[T | Missing]:
        """Return all that has come and not been read, oldest first, without waiting."""
        found: list[T | Missing] = []
        while (thing := self._queue.take()) is not None:
            found.append(thing)
        return found

    async def __anext__(self) -> T | Missing:
        """
        Return the next one, waiting for it.

        Raises:
            Disconnected: If the market ended by itself and all before has been read.
            RequestRefused: If so the server refused to go on with it, for example as the instrument is listed no more.
        """
        while (found := self._queue.take()) is None:
            await self._pulse.beyond(self._pulse.count)
        return found
