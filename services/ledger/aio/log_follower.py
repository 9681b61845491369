"""Reads both logs behind the ledger's place: packets, and the commands that they answer, a bounded part at a time.

It only reads the store. What it cannot find is said, and never made up: `CommandsMissing` where the log ends before a
packet's commands, or no longer begins before them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from services.ledger.command_block import StoredEntry, entry_place
from services.ledger.draft import COMMANDS_MAX, CommandsMissing
from services.ledger.fork import LOG_START, WriterPlace
from shared.aio.feed_stream import FeedStream
from shared.aio.redis_connection import BLOCK_MS
from shared.aio.redis_line import RedisLine, stream_entries
from shared.logs.feed_entry import FeedEntry
from shared.logs.packet import FEED_START, FeedId
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry

PACKETS_IN_READ_MAX: Final = 512
"""Packets of one read, while they are small."""
ENTRIES_IN_READ_MAX: Final = 512
"""Entries of one read of the command log."""


class LogBatch(NamedTuple):
    """What one read brought."""

    feed: list[FeedEntry]
    """Empty: nothing came for a second."""
    log: list[StoredEntry]
    """Up to the last packet's last command."""
    more: bool = False
    """Whether there is surely more at once."""
    error: Exception | None = None
    """Why nothing comes behind it."""


class LogFollower:
    """
    A place in both logs, from the ledger's on.

    Args:
        line: For its own use; its reads block.
        keys: The shard's keys.
        place: Of the ledger; None: the beginning.
    """

    def __init__(self, line: RedisLine, keys: StreamKeys, place: WriterPlace | None) -> None:
        self.after = FeedId.parse(place.feed_id) if place is not None else FEED_START
        self._line = line
        self._keys = keys
        self._feed = FeedStream(line, keys)
        self._log_after = place.log_id if place is not None else LOG_START
        self._commands_of_packet = float(COMMANDS_MAX)  # of the last read; the first one reads few packets

    async def read(self) -> LogBatch:
        """
        Return what comes next, or nothing after a second without anything.

        Raises:
            CommandsMissing: The log does not have a packet's commands.
            CorruptEntry: A packet cannot be read, and none before it came with it.
            RedisError: If the store could not be reached.
        """
        count = max(4, min(PACKETS_IN_READ_MAX, int(1 * COMMANDS_MAX / self._commands_of_packet)))
        stored = await self._feed.read(self.after, count, BLOCK_MS)
        feed = self._decoded(stored)
        if not feed:
            return LogBatch([], [])
        answered = sum([entry.packet.position - entry.packet.prev for entry in feed])
        self._commands_of_packet = max(1.0, answered / len(feed))
        last = max([entry.packet.log_id for entry in feed], key=lambda each: entry_place(each.encode()))
        log = await self._read_log(last, feed[0].feed_id)
        self.after = feed[-1].feed_id
        return LogBatch(feed, log, len(stored) == count)

    async def is_behind(self) -> bool:
        """Tell whether the feed ends before the place: its store lost its tail, and may be restored."""
        return await self._feed.end() < self.after

    async def next_published_us(self) -> int:
        """Return when the next packet was published, µs; 0 if there is none."""
        stored = await self._feed.read(self.after, 1, None)
        return self._feed.entry(stored[0]).published_us if stored else 0

    async def lengths(self) -> tuple[int, int]:
        """Return how many entries feed and command log have."""
        return await self._line.call("XLEN", self._keys.feed), await self._line.call("XLEN", self._keys.commands)

    def _decoded(self, stored: list[StoredEntry]) -> list[FeedEntry]:
        """Decode as far as packets can be read; what is wrong with the next one is told when it is the first."""
        feed: list[FeedEntry] = []
        for each in stored:
            try:
                feed.append(self._feed.entry(each))
            except CorruptEntry:
                if feed:
                    return feed
                raise
        return feed

    async def _read_log(self, last: str, feed_id: FeedId) -> list[StoredEntry]:
        entries: list[StoredEntry] = []
        end = entry_place(last.encode())
        while entry_place(self._log_after.encode()) < end:
            rows = await self._line.read_stream(self._keys.commands, self._log_after, ENTRIES_IN_READ_MAX, None)
            if not rows:
                raise CommandsMissing(f"the log ends at {self._log_after}, packet {feed_id} answers up to {last}")
            await self._check_beginning()
            # No further than is answered: the rest is read again, so that the place stays the one of both.
            taken = [row for row in rows if entry_place(row[0]) <= end]
            if not taken:
                raise CommandsMissing(f"the log has no entry {last}, which packet {feed_id} answers")
            entries += taken
            self._log_after = taken[-1][0].decode()
        return entries

    async def _check_beginning(self) -> None:
        """See that nothing was trimmed behind our place; the entry at the place itself is kept."""
        if self._log_after == LOG_START:
            return
        first = stream_entries(await self._line.call("XRANGE", self._keys.commands, "-", "+", "COUNT", 1))
        if not first or entry_place(first[0][0]) > entry_place(self._log_after.encode()):
            begin = first[0][0].decode() if first else "no entry"
            raise CommandsMissing(f"the log begins at {begin}, behind {self._log_after}: it was trimmed")
