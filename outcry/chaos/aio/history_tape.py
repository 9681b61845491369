"""Every packet that was ever in the feed, kept from the first one on, outside of the store.

The final history is the feed's content in the end. The part that was trimmed from its beginning comes from the tape, as
far as it leads there. A feed that began anew has no part in what was before.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final, cast

from openoutcry.wire.backoff import Backoff
from outcry.chaos.final_history import before
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.feed_stream import FeedStream
from shared.aio.redis_connection import UNREACHABLE, RedisError, StreamEntry, open_redis
from shared.aio.redis_line import RedisLine
from shared.logs.feed_entry import FeedEntry
from shared.logs.packet import FEED_START, FeedId
from shared.logs.stream_keys import PACKET_FIELD, StreamKeys
from shared.store_errors import StoreUnavailable

READ_COUNT: Final = 1000
RETRY_MAX_S: Final = 0.5
FINAL_SECONDS_MAX: Final = 30.0
"""How long Redis may be away when the final history is read."""


class HistoryTape:
    """
    Listens to the feed from its beginning.

    Args:
        redis_url: The shard's Redis.
    """

    def __init__(self, redis_url: str) -> None:
        self.epoch = 0
        self.seqs: dict[str, int] = {}
        """Instrument to the last seq in the feed."""
        self.roll_backs = 0
        """Times that the feed was found to end before a packet that had been in it."""
        self._redis = open_redis(redis_url, "tape")
        self.last_published_us = 0
        """When the last packet was published."""
        self._asking = open_redis(redis_url, "tape-final")
        self._feed = FeedStream(RedisLine(self._redis), StreamKeys())
        self._entries: dict[FeedId, FeedEntry] = {}
        self._last_id = FEED_START

    @property
    def position(self) -> dict[str, tuple[int, int]]:
        """Instrument to (epoch, seq) of the last packet."""
        return {instrument: (self.epoch, seq) for instrument, seq in self.seqs.items()}

    async def run(self) -> None:
        """Listen until cancelled; a store that is away is waited for."""
        backoff = Backoff(Random(), max_s=RETRY_MAX_S)  # noqa: S311 - jitter
        while True:
            raise_if_cancelled()
            try:
                await self._listen()
                backoff.reset()
            except (*UNREACHABLE, RedisError):
                await asyncio.sleep(backoff.next_delay())

    async def final(self) -> list[FeedEntry]:
        """
        Return the complete history as the feed has it now, from the first packet on; read it while the market rests.

        Raises:
            StoreUnavailable: If Redis does not answer for FINAL_SECONDS_MAX.
        """
        give_up = asyncio.get_running_loop().time() + FINAL_SECONDS_MAX
        while True:
            try:
                kept = [self._read(entry) for entry in await self._stream()]
                break
            except (*UNREACHABLE, RedisError) as error:
                if asyncio.get_running_loop().time() > give_up:
                    raise StoreUnavailable(f"the final history could not be read: {error}") from error
            await asyncio.sleep(RETRY_MAX_S)
        return [*before(kept[0], self._entries.values()), *kept] if kept else []

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self._asking.aclose()

    async def _listen(self) -> None:
        entries = await self._feed.read(self._last_id, READ_COUNT)
        for stored in entries:
            self._take(self._feed.entry(stored))
        if entries:
            return
        last_id = await self._feed.end()
        if last_id < self._last_id:
            self.roll_backs += 1
            self._last_id = last_id

    def _take(self, entry: FeedEntry) -> None:
        packet = entry.packet
        self.epoch = packet.epoch
        for change in packet.changes:
            self.seqs[change.instrument] = change.seq
        self._entries[entry.feed_id] = entry
        self.last_published_us = max(self.last_published_us, entry.published_us)
        self._last_id = entry.feed_id

    def _read(self, stored: StreamEntry) -> FeedEntry:
        """Read one entry; one that was heard already, byte for byte, need not be decoded again."""
        entry_id, fields = stored
        known = self._entries.get(FeedId.parse(entry_id))
        if known is not None and known.data == fields[PACKET_FIELD]:
            return known
        return self._feed.entry(stored)

    async def _stream(self) -> list[StreamEntry]:
        """Read the stream in pieces: one reply with all of it could pass a connection's timeout."""
        found: list[StreamEntry] = []
        after = str(FEED_START)
        while True:
            piece = await self._asking.xrange(self._feed.key, min=f"({after}", count=READ_COUNT) or []
            found += cast("list[StreamEntry]", [tuple(entry) for entry in piece])
            if len(piece) < READ_COUNT:
                return found
            after = found[-1][0].decode()
