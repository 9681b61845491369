"""Appending to the command log: one entry after the other, and the same commands again until the store has taken them.

Owns the repetition: an append whose answer was lost is made again with the same numbers before any later one, and the
engine skips what it has applied (`shared.logs.commands`). Leaves to each writer how an entry is sent, how long it waits
between two tries, and when it gives up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, RedisError
from shared.logs.commands import Command, encode_commands

T = TypeVar("T")


class Retries(Protocol):
    """What a writer does about tries that fail."""

    def answered(self) -> None:
        """Take note that the store has taken an entry."""

    async def wait(self, error: Exception) -> None:
        """Pause after a try that failed; raise to give the entry up."""


class LogWriter(Generic[T]):
    """
    One writer of the command log.

    Args:
        send: Appends an entry of these bytes, once, and returns the store's answer.
        retries: Of this writer.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[T]], retries: Retries) -> None:
        self._send = send
        self._retries = retries

    async def append(self, commands: Sequence[Command]) -> T:
        """
        Append commands as one entry; call again only after it has ended.

        Args:
            commands: COMMANDS_IN_ENTRY_MAX at most, numbered behind all that were appended before.

        Raises:
            Whatever the retries give up with; whether the commands are in is then unknown.
        """
        data = encode_commands(list(commands))
        while True:
            raise_if_cancelled()
            try:
                answer = await self._send(data)
            except (*UNREACHABLE, RedisError) as error:
                raise_if_cancelled()  # the failure may be what is left of a cancellation
                await self._retries.wait(error)
            else:
                self._retries.answered()
                return answer
