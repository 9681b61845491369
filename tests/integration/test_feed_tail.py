"""A listener of the feed, as bots and replays have one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from outcry.flow.aio.feed_tail import FeedTail
from shared.logs.packet import PACKET_VERSION, Packet, encode_packet
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import StoreUnavailable

pytestmark = pytest.mark.needs_redis

FEED = StreamKeys().feed


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as redis:
        yield redis


def packet(position: int, prev: int | None = None) -> dict[str, bytes | int]:
    before = position - 1 if prev is None else prev
    fields = (PACKET_VERSION, 1, before, position, "1-0", 1, [], [], [], [], [], [])
    return {"p": encode_packet(Packet(*fields)), "t": 1}


@pytest.mark.parametrize("first", ["a packet", "garbage"])
async def test_what_is_no_packet_is_passed_over(redis: Redis, redis_url: str, first: str) -> None:
    """One entry of somebody else's ended every crowd of bots."""
    tail = FeedTail(redis_url, "tail")
    redis.xadd(FEED, packet(1) if first == "a packet" else {"x": "y"}, id="7-1")
    await tail.start()
    for position, fields in ((2, packet(2)), (3, {"p": b"\xc1", "t": 1}), (4, packet(2)), (5, packet(3, 2))):
        redis.xadd(FEED, fields, id=f"7-{position}" if position < 5 else "8-3")
    heard: list[int] = []
    async for packets in tail.packets():
        heard += [each.position for each in packets]
        if heard[-1] == 3:
            break
    assert heard == [2, 3]
    redis.xadd(FEED, packet(5), id="8-5")
    with pytest.raises(StoreUnavailable, match=r"goes on at position 4, not 3.*start again"):
        await anext(tail.packets())
    await tail.aclose()
