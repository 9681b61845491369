"""A gateway whose store lacks a key, or holds in it what no engine writes: it waits, says so, and recovers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from openoutcry.wire.messages import Reply, Snapshot, Status
from openoutcry.wire.types import MarketState
from tests.integration.gateway_house import KEYS, StoredExchange, gateway_on, ready, until, user_of

pytestmark = pytest.mark.needs_redis

NEEDED: Final = (KEYS.listing, KEYS.cover, KEYS.accounts, KEYS.snapshot("ACME"))
DAMAGES: Final = ("absent", "list", "empty", "truncated", "rubbish")


@pytest.fixture
async def exchange(redis_url: str) -> AsyncIterator[StoredExchange]:
    stored = StoredExchange(redis_url, "ACME", "BETA")
    await stored.publish(bids=[(100, 5)])
    await stored.store_snapshots()
    yield stored
    await stored.redis.aclose()


async def damage(exchange: StoredExchange, key: str, how: str) -> None:
    value = await exchange.redis.get(key)
    await exchange.redis.delete(key)
    if how == "list":
        await exchange.redis.rpush(key, "x")  # type: ignore[misc]
    elif how != "absent":
        assert value is not None
        await exchange.redis.set(key, {"empty": b"", "truncated": value[:-1], "rubbish": b"\x93rubbish"}[how])


@pytest.mark.parametrize("key", NEEDED)
@pytest.mark.parametrize("how", DAMAGES)
async def test_a_new_gateway_waits_for_what_is_missing(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, key: str, how: str
) -> None:
    """Seen: without a snapshot, clients were told an empty book, verified; with a broken one, it stopped for good."""
    if (key, how) == (KEYS.cover, "truncated"):
        how = "empty"  # "1-" is what is left of the cover, but "1-1" of a longer one could be a cover too
    await damage(exchange, key, how)
    async with gateway_on(redis_url, tmp_path, is_fed=False) as server:
        await until(lambda: key in server.feed_reader.missing)
        assert ready(server).status == 503
        assert ready(server).text.startswith(f"the feed is resyncing: {key} ")
        assert not server.gateway.market.instruments
        await exchange.store_snapshots()
        await until(lambda: server.gateway.is_fed(server.now()))
        assert ready(server).text == "ready"
        assert server.gateway.market.instruments["ACME"].book.digest == exchange.books["ACME"].digest


@pytest.mark.parametrize("how", ["absent", "truncated"])
async def test_a_living_gateway_that_reloads_keeps_its_users_and_says_resyncing(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, how: str
) -> None:
    """Seen: it kept seq 49 while the truth was 50, and said `open`."""
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await ann.ask(op="subscribe", channel="book", instruments=["ACME"])
        await ann.hear(Snapshot)
        exchange.packet(bids=[(100, 6)])  # lost, so that the next one leaves a gap
        await exchange.store_snapshots()
        await damage(exchange, KEYS.snapshot("ACME"), how)
        await exchange.publish(bids=[(99, 1)])
        assert (await ann.hear(Status)).state == MarketState.RESYNCING
        await until(lambda: KEYS.snapshot("ACME") in server.feed_reader.missing)
        assert ready(server).status == 404
        await ann.ask(op="cancel_all", id=9)
        assert (await ann.hear(Reply, lambda reply: reply.id == 9)).code == "busy"
        await exchange.store_snapshots()
        assert (await ann.hear(Status)).state == MarketState.OPEN
        await until(lambda: server.gateway.market.instruments["ACME"].book.digest == exchange.books["ACME"].digest)
        assert [status.reason for status in ann.messages if isinstance(status, Status)][-1] == ""


async def test_a_new_epoch_of_another_listing_reaches_users(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """FLUSHALL, then an engine with other instruments: nothing of the old market is told any more."""
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await ann.ask(op="subscribe", channel="book", instruments=["BETA"])
        await ann.hear(Snapshot)
        await exchange.redis.flushall()
        after = StoredExchange(redis_url, "ACME", "FRESH", epoch=8)
        after.term = 2
        await after.publish(bids=[(7, 1)])
        await after.store_snapshots()
        gone = await ann.hear(Status, lambda status: status.instrument == "BETA")
        assert gone.state == MarketState.DELISTED
        await ann.ask(op="subscribe", channel="book", instruments=["FRESH"])
        assert (await ann.hear(Snapshot)).epoch == 8
        assert list(server.gateway.market.listing) == ["ACME", "FRESH"]
        await after.redis.aclose()
