"""Reading the feed: what comes behind a place, decoded, and where the feed ends.

Owns the calls and the form of an entry. Leaves to each reader its place and what follows from what it meets:

* an entry that cannot be read is a `CorruptEntry`, raised as that entry is looked at: those before it are good;
* an entry whose packet does not begin at the reader's position (`packet.prev`) says that the feed was trimmed before it
  was read, or that its store went back and went on;
* a feed that ends before the reader's place (`end`) went back: it sends nothing, however long one reads.
"""

from __future__ import annotations

from shared.aio.redis_connection import BLOCK_MS, StreamEntry
from shared.aio.redis_line import RedisLine
from shared.logs.feed_entry import FeedEntry, decode_feed_entry
from shared.logs.packet import FEED_START, FeedId
from shared.logs.stream_keys import StreamKeys


class FeedStream:
    """
    One shard's feed, for one reader.

    Args:
        line: For the reader's own use: its reads block.
        keys: The shard's keys.
    """

    def __init__(self, line: RedisLine, keys: StreamKeys) -> None:
        self.key = keys.feed
        self._line = line

    async def read(self, after: FeedId, count: int, block_ms: int | None = BLOCK_MS) -> list[StreamEntry]:
        """
        Return up to `count` entries behind a place, oldest first, for `entry` to read one by one.

        Args:
            after: The reader's place: the last entry that it has.
            count: How many at most.
            block_ms: How long to wait for the first; None: not at all.

        Raises:
            RedisError: If the store could not be reached, or refused; read again from the same place.
        """
        return await self._line.read_stream(self.key, str(after), count, block_ms)

    def entry(self, stored: StreamEntry) -> FeedEntry:
        """Decode one entry; raises CorruptEntry if no engine of this release writes such a one."""
        return decode_feed_entry(self.key, *stored)

    async def newest(self) -> StreamEntry | None:
        """Return the feed's last entry; None if it holds none."""
        return await self._line.last_entry(self.key)

    async def end(self) -> FeedId:
        """Return the last entry's id; the feed's start if it holds none."""
        newest = await self.newest()
        return FeedId.parse(newest[0]) if newest else FEED_START
