"""The command log, read in order on a connection of its own.

Owns the place in the log. An entry that is not what writers write ends the reading: what came before it is handed
out first, then the error, again and again.
"""

from __future__ import annotations

from typing import Final

from services.matching.command_log import LOG_START, LogEntry, decode_entry
from shared.aio.redis_connection import BLOCK_MS
from shared.aio.redis_line import RedisLine
from shared.errors import CorruptEntry
from shared.stream_keys import StreamKeys

ENTRIES_IN_READ_MAX: Final = 128
"""Entries of one read; with the limit of commands an entry this bounds what is in memory."""


class CommandReader:
    """
    A place in the log.

    Args:
        line: A read blocks it for up to BLOCK_MS.
        keys: The shard's keys.
    """

    def __init__(self, line: RedisLine, keys: StreamKeys) -> None:
        self._line = line
        self._key = keys.commands
        self._after = LOG_START
        self._corrupt: CorruptEntry | None = None

    def seek(self, after: str) -> None:
        """Go on after this entry, wherever one was."""
        self._after = after
        self._corrupt = None

    async def begin_anew(self, after: str) -> None:
        """Go on after this entry, on a new connection: the old one may have stayed at a former primary."""
        await self._line.hang_up()
        self.seek(after)

    async def read(self, block_ms: int | None = BLOCK_MS) -> list[LogEntry]:
        """
        Return the next entries, at most ENTRIES_IN_READ_MAX; none if there are none.

        Args:
            block_ms: How long to wait for the first; None: not at all.

        Raises:
            CorruptEntry: If the next entry is not what writers write.
            RedisError: If Redis could not be reached; reading again continues at the same place.
        """
        if self._corrupt is not None:
            raise self._corrupt
        entries: list[LogEntry] = []
        for entry_id, fields in await self._line.read_stream(self._key, self._after, ENTRIES_IN_READ_MAX, block_ms):
            try:
                entries.append(decode_entry(self._key, entry_id, fields))
            except CorruptEntry as error:
                if not entries:
                    raise
                self._corrupt = error
                break
            self._after = entries[-1].entry_id
        return entries

    async def holds(self, entry_id: str) -> bool:
        """Tell whether the log still has this entry; its beginning always counts as held."""
        return entry_id == LOG_START or bool(await self._line.call("XRANGE", self._key, entry_id, entry_id))
