"""Appending to the command log, never too far ahead of the engine.

Owns one writer's appends and its backlog. An append is repeated until Redis answers: the engine skips what it has
applied, so a repetition after a lost answer does no harm (`shared.logs.commands`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Final

from openoutcry.wire.backoff import Backoff
from outcry.flow.backlog import BACKLOG_COMMANDS_MAX, Backlog, LogId
from shared.aio.log_writer import LogWriter
from shared.aio.redis_connection import open_redis
from shared.aio.store_failure import store_failure
from shared.logs.commands import COMMANDS_IN_ENTRY_MAX, Command
from shared.logs.stream_keys import COMMANDS_FIELD, StreamKeys
from shared.store_errors import StoreUnavailable

APPEND_SECONDS_MAX: Final = 30.0
"""A writer gives up when Redis has not answered, or refused, for this long."""
ROOM_SECONDS_MAX: Final = 30.0
"""A writer gives up when the engine has applied nothing of a full backlog for this long."""
ROOM_POLL_SECONDS: Final = 0.005


class CommandWriter:
    """
    One trusted writer of the command log.

    Args:
        redis_url: The shard's Redis.
        name: For CLIENT LIST.
        shard: Its number.
    """

    def __init__(self, redis_url: str, name: str, shard: int = 0) -> None:
        self.backlog: Final = Backlog()
        self._redis = open_redis(redis_url, name)
        self._key: Final = StreamKeys(shard).commands
        self._writer = LogWriter(self._send, AppendLimit(self._key))

    async def append(self, commands: Sequence[Command]) -> None:
        """
        Append commands in order, waiting while the backlog is full.

        Raises:
            StoreUnavailable: If Redis does not answer, or refuses, or the engine does not apply, for too long.
        """
        start = 0
        while start < len(commands):
            await self.wait_for_room()
            size = min(self.backlog.room, COMMANDS_IN_ENTRY_MAX, len(commands) - start)
            entry = await self._writer.append(commands[start : start + size])
            self.backlog.appended(entry, size)
            start += size

    async def wait_for_room(self) -> None:
        """
        Return when the backlog is not full.

        Raises:
            StoreUnavailable: If the engine applies nothing for ROOM_SECONDS_MAX.
        """
        await self._wait_for_backlog_below(BACKLOG_COMMANDS_MAX)

    async def drain(self) -> None:
        """
        Return when the engine has applied all that was appended.

        Raises:
            StoreUnavailable: If it applies nothing for ROOM_SECONDS_MAX.
        """
        await self._wait_for_backlog_below(1)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    async def _wait_for_backlog_below(self, commands: int) -> None:
        seen, since = self.backlog.commands, asyncio.get_running_loop().time()
        while self.backlog.commands >= commands:
            await asyncio.sleep(ROOM_POLL_SECONDS)
            now = asyncio.get_running_loop().time()
            if self.backlog.commands < seen:
                seen, since = self.backlog.commands, now
            if now - since > ROOM_SECONDS_MAX:
                raise StoreUnavailable(
                    f"the matching engine applied none of {seen} waiting commands in {ROOM_SECONDS_MAX:.0f} s: "
                    "is it running, and does it lead?"
                )

    async def _send(self, data: bytes) -> LogId:
        return LogId.parse(await self._redis.xadd(self._key, {COMMANDS_FIELD: data}))


class AppendLimit:
    """
    The pauses between an entry's tries, and their end.

    Args:
        key: The command log's.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._backoff = Backoff(Random())  # noqa: S311 - jitter
        self._failing_since: float | None = None

    def answered(self) -> None:
        """Begin anew: the log takes commands."""
        self._failing_since = None
        self._backoff.reset()

    async def wait(self, error: Exception) -> None:
        """Pause; raises StoreUnavailable once nothing was taken for APPEND_SECONDS_MAX."""
        now = asyncio.get_running_loop().time()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since > APPEND_SECONDS_MAX:
            why = store_failure(error)
            raise StoreUnavailable(f"{self._key} took no command for {APPEND_SECONDS_MAX:g} s: {why}") from error
        await asyncio.sleep(self._backoff.next_delay())
