"""Reading the feed from now on.

Owns the position. Proves nothing about continuity, which is the gateways' part: a listener that falls behind the
feed's retention says so and stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Final, TypeVar

from openoutcry.wire.backoff import Backoff
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.feed_stream import FeedStream
from shared.aio.redis_connection import UNREACHABLE, RedisError, StreamEntry, open_redis
from shared.aio.redis_line import RedisLine
from shared.aio.store_failure import store_failure
from shared.logs.packet import FEED_START, FeedId, Packet
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry, StoreUnavailable

T = TypeVar("T")

READ_COUNT: Final = 256
"""Packets a read."""
SILENCE_SECONDS_MAX: Final = 30.0
"""A listener gives up when Redis has not answered, or refused, for this long."""


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
        self._feed = FeedStream(RedisLine(self._redis), StreamKeys(shard))
        self._last_id = FEED_START
        self._position: int | None = FEED_START.position  # None: wherever the next packet begins

    async def start(self) -> None:
        """
        Take the feed's end as the beginning.

        Raises:
            StoreUnavailable: If Redis does not answer, or refuses, for SILENCE_SECONDS_MAX.
        """
        newest = await self._answered(self._feed.newest)
        if newest is not None:
            self._last_id = FeedId.parse(newest[0])
            packet = self._packet(newest)
            self._position = packet.position if packet is not None else None

    async def packets(self) -> AsyncIterator[list[Packet]]:
        """
        Yield what comes, in order, several at a time; never ends by itself.

        Raises:
            StoreUnavailable: If Redis does not answer, or refuses, for SILENCE_SECONDS_MAX, or trimmed what was not
                read yet. An entry that is no packet is passed over: where it stands for one, the next does not follow.
        """
        while True:
            entries = await self._read()
            raise_if_cancelled()
            if not entries:
                continue
            self._last_id = FeedId.parse(entries[-1][0])
            packets = [packet for entry in entries if (packet := self._packet(entry)) is not None]
            for packet in packets:
                if packet.prev != self._position and self._position is not None:
                    raise StoreUnavailable(
                        f"the feed goes on at position {packet.prev}, not {self._position}: it was trimmed or rolled "
                        "back before it was read, or a new market began; start again to go on there"
                    )
                self._position = packet.position
            if packets:
                yield packets

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    async def _read(self) -> list[StreamEntry]:
        return await self._answered(lambda: self._feed.read(self._last_id, READ_COUNT))

    async def _answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until Redis answers: the reason of a refusal may be repaired meanwhile, as when Redis is away."""
        backoff = Backoff(Random())  # noqa: S311 - jitter
        give_up = asyncio.get_running_loop().time() + SILENCE_SECONDS_MAX
        while True:
            try:
                return await ask()
            except (*UNREACHABLE, RedisError) as error:
                raise_if_cancelled()
                if asyncio.get_running_loop().time() > give_up:
                    why = store_failure(error)
                    raise StoreUnavailable(f"{self._feed.key} cannot be read: {why}") from error
            await asyncio.sleep(backoff.next_delay())

    def _packet(self, entry: StreamEntry) -> Packet | None:
        try:
            found = self._feed.entry(entry)
        except CorruptEntry:
            return None
        return found.packet if found.packet.position == found.feed_id.position else None
