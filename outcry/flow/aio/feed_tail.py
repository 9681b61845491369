"""Reading the feed from now on.

Owns the position. Proves nothing about continuity, which is the gateways' part: a listener that falls behind the
feed's retention says so and stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Final

from openoutcry.wire.backoff import Backoff
from openoutcry.wire.errors import MalformedMessage
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, StreamEntry, last_entry, open_redis, read_stream
from shared.logs.packet import FEED_START, Packet, decode_packet
from shared.logs.stream_keys import PACKET_FIELD, StreamKeys
from shared.store_errors import CorruptEntry, StoreUnavailable

READ_COUNT: Final = 256
"""Packets a read."""
SILENCE_SECONDS_MAX: Final = 30.0
"""A listener gives up when Redis has not answered for this long."""


class FeedTail:
    """
    The feed from the moment of `start` on.

    Args:
        redis_url: The shard's Redis.
        name: For CLIENT LIST.
        shard: Its number.
    """

    def __init__(self, redis_url: str, name: str, shard: int = 0) -> None:
        self._redis = open_redis(redis_url, name)
        self._key: Final = StreamKeys(shard).feed
        self._last_id = str(FEED_START)
        self._position = FEED_START.position

    async def start(self) -> None:
        """Take the feed's end as the beginning."""
        newest = await last_entry(self._redis, self._key)
        if newest is not None:
            self._last_id = newest[0].decode()
            self._position = self._decode(newest).position

    async def packets(self) -> AsyncIterator[list[Packet]]:
        """
        Yield what comes, in order, several at a time; never ends by itself.

        Raises:
            StoreUnavailable: If Redis does not answer for SILENCE_SECONDS_MAX, or trimmed what was not read yet.
            CorruptEntry: At an entry that is no packet.
        """
        while True:
            entries = await self._read()
            raise_if_cancelled()
            if not entries:
                continue
            packets = [self._decode(entry) for entry in entries]
            if packets[0].prev != self._position:
                raise StoreUnavailable(
                    f"the feed goes on at position {packets[0].prev}, not {self._position}: "
                    "it was trimmed or rolled back before it was read"
                )
            self._last_id, self._position = entries[-1][0].decode(), packets[-1].position
            yield packets

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    async def _read(self) -> list[StreamEntry]:
        backoff = Backoff(Random())  # noqa: S311 - jitter
        give_up = asyncio.get_running_loop().time() + SILENCE_SECONDS_MAX
        while True:
            try:
                return await read_stream(self._redis, self._key, self._last_id, READ_COUNT)
            except UNREACHABLE as error:
                if asyncio.get_running_loop().time() > give_up:
                    raise StoreUnavailable(f"Redis was silent for {SILENCE_SECONDS_MAX:.0f} s: {error}") from error
            await asyncio.sleep(backoff.next_delay())

    def _decode(self, entry: StreamEntry) -> Packet:
        entry_id, fields = entry
        try:
            return decode_packet(fields[PACKET_FIELD])
        except (KeyError, MalformedMessage) as error:
            raise CorruptEntry(self._key, entry_id.decode(), str(error)) from error
