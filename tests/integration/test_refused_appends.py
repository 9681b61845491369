"""Orders while the store refuses them: `busy` where it is certain that they are not in, and unknown where it is not."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from random import Random
from typing import Any, Final, cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError

from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code
from services.gateway.aio.command_appender import REFUSED_S, CommandAppender
from services.gateway.order_entry import OrderEntry
from services.gateway.requests import CancelEvery
from services.gateway.session import Session
from shared.aio.redis_connection import RedisError, open_redis
from shared.aio.redis_line import RedisLine
from shared.identity import Identity
from tests.integration.gateway_house import KEYS, StoredExchange, gateway_on, until, user_of
from tests.real_redis import RealRedis

pytestmark = pytest.mark.needs_redis

ORDER: Final = {
    "op": "order",
    "instrument": "ACME",
    "client_order_id": "mine",
    "side": "bid",
    "quantity": 1,
    "price": 5,
}
REFUSALS: Final = {
    "OOM": (["CONFIG SET maxmemory 1"], ["CONFIG SET maxmemory 0"]),
    "NOREPLICAS": (["CONFIG SET min-replicas-to-write 1"], ["CONFIG SET min-replicas-to-write 0"]),
    "READONLY": (["REPLICAOF 127.0.0.1 1"], ["REPLICAOF NO ONE"]),
    "NOPERM": (["ACL SETUSER default -xadd"], ["ACL SETUSER default +xadd"]),
    "WRONGTYPE": ([f"SET {KEYS.commands} x"], [f"DEL {KEYS.commands}"]),
}


async def does(redis: Any, lines: list[str]) -> None:
    for line in lines:
        await redis.execute_command(*line.split())


@pytest.mark.parametrize("kind", REFUSALS)
async def test_an_order_that_the_store_refuses_is_busy_and_never_comes_in(
    redis_server: RealRedis, tmp_path: Path, kind: str
) -> None:
    """Seen: `outcome_unknown` after 5 s for each of these."""
    exchange = StoredExchange(redis_server.url, "ACME")
    await exchange.publish(bids=[(100, 5)])
    await exchange.store_snapshots()
    refuse, allow = REFUSALS[kind]
    async with gateway_on(redis_server.url, tmp_path) as server, user_of(server) as ann:
        await does(exchange.redis, refuse)
        # As if the exchange were heard: that is another connection's, and a store may refuse writes alone.
        server.gateway.check_feed = lambda *_: None  # type: ignore[method-assign]
        await ann.ask(**ORDER)
        reply = await ann.hear(Reply)
        assert (reply.code, server.gateway.unanswered) == (Code.BUSY, 0)
        await does(exchange.redis, allow)
        await asyncio.sleep(0.2)
        assert await exchange.redis.xlen(KEYS.commands) == 0
        await ann.ask(**ORDER)
        await until(lambda: server.gateway.orders.log_is_writable and not server.gateway.orders.has_queued)
        assert await _length(exchange) == 1
    await exchange.redis.aclose()


async def _length(exchange: StoredExchange) -> int:
    for _ in range(100):
        if length := await exchange.redis.xlen(KEYS.commands):
            return int(length)
        await asyncio.sleep(0.02)
    return 0


class Line:
    """A line whose calls end as told; "lost" is sent, and its answer does not come."""

    def __init__(self, *ends: str) -> None:
        self.ends = list(ends)
        self.calls = 0
        self.is_in_doubt = False

    async def call(self, *_: Any) -> None:
        self.calls += 1
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        self.is_in_doubt = end == "lost"
        if end == "lost":
            raise ConnectionResetError
        if end == "refused":
            raise OutOfMemoryError("OOM")
        if end == "no connection":
            raise ConnectionRefusedError


async def written(line: Line) -> tuple[OrderEntry, dict[object, Code]]:
    """An order, and what was answered by the time that the writer withdraws what is certainly not in."""
    entry = OrderEntry("g", 10, 5.0)
    writer = CommandAppender(cast("RedisLine", line), KEYS, entry, Random(1))
    entry.submit(cast("Session", object()), Identity("ann"), CancelEvery(op="cancel_all", id=1), 0.0)
    writer.wake()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REFUSED_S * 2.2):
            await writer.run()
    answered = {reply.id: reply.code for _, reply in entry.expire(4.0)}
    return entry, answered


@pytest.mark.parametrize("ends", [["refused"], ["no connection"], ["no connection", "refused"]])
async def test_a_batch_that_no_try_can_have_brought_in_is_withdrawn(ends: list[str]) -> None:
    entry, answered = await written(Line(*ends))
    assert answered == {1: Code.BUSY}
    assert entry.log_is_writable, "the next order asks again"


@pytest.mark.parametrize("ends", [["lost", "refused"], ["refused", "lost", "no connection"]])
async def test_a_batch_that_was_once_in_doubt_stays_so(ends: list[str]) -> None:
    """A try whose answer was lost may be in, whatever is refused afterwards."""
    entry, answered = await written(Line(*ends))
    assert answered == {}
    assert entry.in_flight == 1
    assert [reply.code for _, reply in entry.expire(5.0)] == [Code.OUTCOME_UNKNOWN]


async def test_a_line_knows_what_is_in_doubt(redis_server: RealRedis) -> None:
    redis = open_redis(redis_server.url, "test")
    redis_server.stop()
    line = RedisLine(redis)
    with pytest.raises(RedisConnectionError):
        await line.call("PING")
    assert not line.is_in_doubt, "nothing was sent"
    redis_server.start()
    with pytest.raises(RedisError):
        await line.call("XADD", "key")
    assert not line.is_in_doubt, "it was refused"
    asyncio.get_running_loop().call_later(0.1, redis_server.kill)
    with pytest.raises(RedisConnectionError):
        await line.call("BLPOP", "nothing", 5)
    assert line.is_in_doubt, "it was sent, and not answered"
    await redis.aclose()
