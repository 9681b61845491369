"""How a gateway follows a real Redis that trims, stops, returns, goes back, and holds rubbish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Delta, Reply, Snapshot, Status, Trade
from openoutcry.wire.types import Code, MarketState, Side
from services.gateway.aio import feed_reader
from services.gateway.aio.feed_reader import FeedReader
from services.gateway.loading import LEVELS_A_STEP, ReplicaBroken, Steps
from shared.aio.redis_line import RedisLine
from shared.logs.events import BookChange
from shared.logs.packet import FeedId, encode_packet
from shared.logs.snapshots import encode_listing
from tests.integration.gateway_house import KEYS, StoredExchange, gateway_on, ready, until, user_of
from tests.real_redis import RealRedis
from tests.unit.services.gateway.exchange import Exchange

FIRST_PACKET = Exchange("ACME").packet(bids=[(100, 5)])
"""The first packet of the fixture's exchange, to be written again."""


@pytest.fixture
async def exchange(redis_url: str) -> AsyncIterator[StoredExchange]:
    stored = StoredExchange(redis_url, "ACME")
    await stored.publish(bids=[(100, 5)])
    await stored.store_snapshots()
    yield stored
    await stored.redis.aclose()


async def test_a_gap_by_trimming_is_bridged_by_a_delta(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """The feed was trimmed beyond our place: snapshots are loaded, and users get the difference."""
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await ann.ask(op="subscribe", channel="book", instruments=["ACME"])
        await ann.hear(Snapshot)
        exchange.packet(bids=[(100, 6)])
        exchange.packet(bids=[(99, 1)])
        await exchange.store_snapshots()
        await exchange.publish(bids=[(98, 1)])
        delta = await ann.hear(Delta, lambda found: found.seq == 4)
        states = [message.state for message in ann.messages if isinstance(message, Status)]
        assert states == [MarketState.RESYNCING, MarketState.OPEN]
        assert delta.digest == exchange.books["ACME"].digest
        assert server.feed_reader.statistics.resyncs == 2


async def test_what_came_before_a_gap_in_one_read_is_passed_on(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """Outcomes, executions and trades are told once: the snapshots that mend the gap do not hold them."""
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await ann.ask(op="subscribe", channel="trades", instruments=["ACME"])
        await ann.hear(Reply)
        good = exchange.packet(bids=[(100, 6)], trades=[exchange.trade(100, 1)])
        exchange.packet(bids=[(99, 1)])
        await exchange.store_snapshots()
        async with exchange.redis.pipeline(transaction=True) as together:
            exchange.queue(together, *good)
            exchange.queue(together, *exchange.packet(bids=[(98, 1)]))
            await together.execute()
        assert (await ann.hear(Trade)).trade_id == 1
        await until(lambda: server.feed_reader.statistics.resyncs == 2)


async def test_a_restarted_gateway_reads_on_from_the_cover(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """Packets after the snapshots are read, those within them do no harm."""
    await exchange.publish(bids=[(99, 5)])
    await exchange.publish(bids=[(98, 5)])
    for _ in range(2):
        async with gateway_on(redis_url, tmp_path) as server:
            await until(lambda: server.gateway.market.feed_id == FeedId(1, 3))
            assert server.gateway.market.instruments["ACME"].book.digest == exchange.books["ACME"].digest


async def test_snapshots_of_a_listing_that_grew_meanwhile_are_not_taken(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """The packet that lists it may lie before the cover: nobody would ever hear of the instrument."""
    async with gateway_on(redis_url, tmp_path) as server:
        line = RedisLine(exchange.redis)

        class Line:
            """Between the two reads an instrument is listed."""

            async def get_values(self, keys: list[str]) -> list[bytes | None]:
                if len(keys) > 1:
                    await exchange.redis.set(KEYS.listing, encode_listing([Instrument("ACME"), Instrument("NEW")]))
                return await line.get_values(keys)

        reader = FeedReader(cast("RedisLine", Line()), KEYS, server.feed_reader._ports, Random(1))
        with pytest.raises(ReplicaBroken, match="listed meanwhile"):
            await reader._load()


async def test_an_idle_stream_keeps_the_reader_alive(redis_url: str, exchange: StoredExchange, tmp_path: Path) -> None:
    """A blocking read that times out must not be taken for a lost connection."""
    async with gateway_on(redis_url, tmp_path) as server:
        await until(lambda: server.gateway.silence(server.now()) > 2.2)
        await exchange.publish(bids=[(99, 5)])
        await until(lambda: server.gateway.market.feed_id.position == 2)
        assert server.feed_reader.statistics.reconnects == 0


CHANGE = BookChange("ACME", 1, 2, [(100, 7, 2)], [], 0)
MISSHAPEN = {
    "no number for a seq": {"changes": [CHANGE._replace(seq="2")]},
    "no levels": {"changes": [CHANGE._replace(bids=7)]},
    "a level without a quantity": {"changes": [CHANGE._replace(bids=[(100,)])]},
    "no number in a trade": {"trades": [Trade("ACME", 1, 1, 5, "100", 1, Side.BID)]},  # type: ignore[arg-type]
    "no such state": {"statuses": [Status("ACME", "asleep", "", 5)]},
    "a status of nothing": {"statuses": [Status(None, "open", "", 5)]},
    "bytes for a text": {"trades": [Trade("ACME", 1, 1, 5, 100, 1, b"bid")]},  # type: ignore[arg-type]
    "no position": {"prev": None},
    "rubbish": None,
}


@pytest.mark.parametrize("kind", MISSHAPEN)
async def test_a_corrupt_packet_is_never_skipped_the_feed_goes_on_with_snapshots_behind_it(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, kind: str
) -> None:
    """Once the snapshots hold what it should have said: one `open`, no sooner."""
    wrong: dict[str, Any] | None = MISSHAPEN[kind]  # type: ignore[assignment]
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await ann.ask(op="subscribe", channel="book", instruments=["ACME"])
        await ann.hear(Snapshot)
        _, packet, _ = exchange.packet(bids=[(100, 7)])
        data = b"rubbish" if wrong is None else encode_packet(packet._replace(**wrong))
        await exchange.redis.xadd(KEYS.feed, {b"p": data, b"t": b"1"}, id="1-2")
        resyncing = await ann.hear(Status)
        assert resyncing.state == MarketState.RESYNCING
        assert "entry 1-2 is corrupt" in resyncing.reason
        await exchange.publish(bids=[(99, 5)])
        await asyncio.sleep(0.3)
        assert server.gateway.market.feed_id == FeedId(1, 1)
        assert (
            ready(server).status,
            server.feed_reader.statistics.corrupt_entries,
        ) == (404, 1)
        assert "entry 1-2 is corrupt" in ready(server).text
        assert server.gateway.feed_state == MarketState.RESYNCING
        await exchange.store_snapshots()
        await until(lambda: server.gateway.feed_state == MarketState.OPEN)
        await exchange.publish(bids=[(98, 5)])
        delta = await ann.hear(Delta, lambda found: found.seq == 4)
        assert delta.digest == exchange.books["ACME"].digest
        states = [message.state for message in ann.messages if isinstance(message, Status)]
        assert states == [MarketState.RESYNCING, MarketState.OPEN]


async def test_a_corrupt_packet_that_somebody_removed_is_waited_for_no_longer(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    async with gateway_on(redis_url, tmp_path) as server:
        await exchange.redis.xadd(KEYS.feed, {b"p": b"rubbish", b"t": b"1"}, id="1-2")
        await until(lambda: server.gateway.feed_state == MarketState.RESYNCING)
        await exchange.redis.xdel(KEYS.feed, "1-2")
        await exchange.append(*exchange.packet(bids=[(99, 5)], commands=2))
        await until(lambda: server.gateway.market.feed_id == FeedId(1, 3))
        assert server.gateway.market.instruments["ACME"].book.digest == exchange.books["ACME"].digest


async def test_a_quiet_market_whose_snapshots_lie_behind_a_corrupt_packet_is_followed(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """In a quiet market each publication's snapshots reach to the feed's end: nothing ever stood behind them."""
    async with gateway_on(redis_url, tmp_path) as server:
        exchange.packet(bids=[(100, 7)])
        await exchange.redis.xadd(KEYS.feed, {b"p": b"rubbish", b"t": b"1"}, id="1-2")
        await until(lambda: server.gateway.feed_state == MarketState.RESYNCING)
        await exchange.publish(bids=[(99, 5)])
        await exchange.store_snapshots()
        await until(lambda: server.gateway.feed_state == MarketState.OPEN)
        assert server.gateway.market.feed_id == FeedId(1, 3)
        assert ready(server).text == "ready"


async def test_a_log_that_went_back_and_heals_is_waited_for(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """A store that failed over comes back as an earlier prefix; the engine appends the same packets again."""
    async with gateway_on(redis_url, tmp_path) as server:
        lost = exchange.packet(bids=[(99, 5)])
        await exchange.append(*lost)
        await until(lambda: server.gateway.market.feed_id.position == 2)
        await exchange.redis.delete(KEYS.feed)
        await exchange.append(*FIRST_PACKET)
        await until(lambda: server.feed_reader.is_behind)
        await exchange.append(*lost)
        await exchange.publish(bids=[(98, 5)])
        await until(lambda: server.gateway.market.feed_id.position == 3)
        assert server.feed_reader.statistics.resyncs == 1


async def test_a_log_that_went_back_for_good_is_followed_from_its_snapshots(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """What was lost was lost: users get a snapshot of the history that goes on."""
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await exchange.publish(bids=[(99, 5)])
        await until(lambda: server.gateway.market.feed_id.position == 2)
        await ann.ask(op="subscribe", channel="book", instruments=["ACME"])
        assert (await ann.hear(Snapshot)).seq == 2
        await exchange.redis.delete(KEYS.feed)
        await exchange.append(*FIRST_PACKET)
        snapshot = await ann.hear(Snapshot)
        assert (snapshot.seq, [list(level)[:2] for level in snapshot.bids]) == (1, [[100, 5]])


async def test_users_hear_of_a_lost_redis_in_time_stay_connected_and_get_on_again(
    redis_server: RealRedis, tmp_path: Path
) -> None:
    """Stale within 3 s, orders busy, nobody disconnected, and everything by itself when it is back."""
    exchange = StoredExchange(redis_server.url, "ACME")
    await exchange.publish(bids=[(100, 5)])
    await exchange.store_snapshots()
    async with gateway_on(redis_server.url, tmp_path) as server, user_of(server) as ann:
        await ann.ask(op="subscribe", channel="book", instruments=["ACME"])
        await ann.hear(Snapshot)
        await exchange.redis.aclose()
        redis_server.kill()
        gone_at = server.now()
        assert (await ann.hear(Status)).state == MarketState.STALE
        assert server.now() - gone_at < 3.0
        await ann.ask(op="cancel_all", id=9)
        busy = await ann.hear(Reply, lambda reply: reply.id == 9)
        assert busy.code == Code.BUSY
        redis_server.start()
        await exchange.publish(bids=[(99, 5)])
        assert (await ann.hear(Status)).state == MarketState.OPEN
        assert (await ann.hear(Delta)).digest == exchange.books["ACME"].digest
        assert len(server.gateway.clients) == 1
    await exchange.redis.aclose()


async def test_others_are_served_between_the_steps_of_a_load() -> None:
    """A resynchronisation of 300,000 levels was one turn of more than a second, for everybody's pings and replies."""
    turns: list[int] = []

    def steps() -> Steps[str]:
        for size in (1, LEVELS_A_STEP - 1, 1, 1, LEVELS_A_STEP, LEVELS_A_STEP - 1):
            turns.append(size)
            yield size
        return "done"

    async def others() -> None:
        while True:
            turns.append(0)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(others())
        assert await feed_reader._in_turns(steps()) == "done"
        serving.cancel()
    assert turns == [1, LEVELS_A_STEP - 1, 0, 1, 1, LEVELS_A_STEP, 0, LEVELS_A_STEP - 1]


async def test_a_deep_book_is_loaded_as_it_was_stored(redis_url: str, exchange: StoredExchange, tmp_path: Path) -> None:
    exchange.packet(bids=[(price, 1) for price in range(1, 6_000)])
    exchange.packet(asks=[(price, 1) for price in range(6_000, 12_000)])
    await exchange.store_snapshots()
    async with gateway_on(redis_url, tmp_path) as server:
        book = server.gateway.market.instruments["ACME"].book
        assert book.digest == exchange.books["ACME"].digest
        assert (len(book.bids), len(book.asks)) == (5_999, 6_000)
