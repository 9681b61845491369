"""The command log, read in order on a connection of its own.

Owns the place in the log, and the treatment of an entry that no writer writes: all of it is skipped, and reported.
Whether it can be read is a function of its bytes alone. So leader, standby and every later recovery skip the same
entries, and the same log still gives the same packets. Nobody was promised anything in such an entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from redis.exceptions import ResponseError

from services.matching.command_log import LOG_START, LogEntry, decode_entry, entry_time_us
from shared.aio.redis_connection import BLOCK_MS
from shared.aio.redis_line import RedisLine
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry

ENTRIES_IN_READ_MAX: Final = 128
"""Entries of one read; with the limit of commands an entry this bounds what is in memory."""


class CommandReader:
    """
    A place in the log.

    Args:
        line: A read blocks it for up to BLOCK_MS.
        keys: The shard's keys.
        count_skipped: Called for every entry that is skipped.
    """

    def __init__(self, line: RedisLine, keys: StreamKeys, count_skipped: Callable[[], None] = lambda: None) -> None:
        self._line = line
        self._key = keys.commands
        self._after = LOG_START
        self._count_skipped = count_skipped

    def seek(self, after: str) -> None:
        """Go on after this entry, wherever one was."""
        self._after = after

    async def begin_anew(self, after: str) -> None:
        """Go on after this entry, on a new connection: the old one may have stayed at a former primary."""
        await self._line.hang_up()
        self.seek(after)

    async def read(self, block_ms: int | None = BLOCK_MS) -> list[LogEntry]:
        """
        Return the next entries, at most ENTRIES_IN_READ_MAX; none if there are none. One without commands was skipped.

        Args:
            block_ms: How long to wait for the first; None: not at all.

        Raises:
            RedisError: If Redis could not be reached; reading again continues at the same place.
        """
        rows = await self._line.read_stream(self._key, self._after, ENTRIES_IN_READ_MAX, block_ms)
        entries = [self._entry(entry_id, fields) for entry_id, fields in rows]
        if entries:
            self._after = entries[-1].entry_id
        return entries

    def _entry(self, entry_id: bytes, fields: dict[bytes, bytes]) -> LogEntry:
        try:
            return decode_entry(self._key, entry_id, fields)
        except CorruptEntry as error:
            self._count_skipped()
            structlog.get_logger().error(
                "an entry of the command log is skipped: no writer writes such", key=error.key, entry=error.entry_id,
                reason=error.reason,
            )  # fmt: skip
            return LogEntry(error.entry_id, entry_time_us(error.entry_id), [])

    async def holds(self, entry_id: str) -> bool:
        """
        Tell whether the log still has all that came after this entry: it has the entry, or nothing ever came after it.

        The beginning always counts as held: whether the log begins there shows when it has been read.
        """
        if entry_id == LOG_START or await self._line.call("XRANGE", self._key, entry_id, entry_id):
            return True
        try:
            facts = await self._line.call("XINFO", "STREAM", self._key)
        except ResponseError:  # there is no log, or this user may not ask
            return False
        return bool(facts[b"last-generated-id"].decode() == entry_id)
