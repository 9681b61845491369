"""The service against a real Redis: it follows, waits, goes on behind what is lost, and says when it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
import redis as redis_package
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, select

from openoutcry.wire.errors import ConfigurationError
from services.ledger import schema
from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.metrics import LedgerMetrics
from services.ledger.aio.service import LedgerService
from services.ledger.aio.settings import LedgerSettings
from services.ledger.command_block import StoredEntry
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from shared.aio.first_error import first_error
from shared.aio.redis_connection import open_redis
from shared.logs.ledger_place import LedgerPlace, decode_ledger_place
from shared.logs.packet import FeedId
from shared.logs.refused_access import RefusedAccesses
from shared.logs.snapshots import encode_accounts, encode_listing
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry
from tests.integration.ledger.small_ledger import chain
from tests.integration.ledger.trading_log import trading_log
from tests.property.recorded_market import RecordedMarket, recorded

KEYS = StreamKeys(0)
WITHIN_S = 8.0


class Market:
    """Both logs in a real Redis, written by hand."""

    def __init__(self, url: str, seed: int) -> None:
        self.redis = redis_package.Redis.from_url(url)
        random = Random(seed)
        log = trading_log(random, 80)
        self.recorded: RecordedMarket = recorded(log, {n for n in range(len(log)) if random.random() < 0.3})
        self.url = url

    def append(self, key: str, entries: list[StoredEntry]) -> None:
        for entry_id, fields in entries:
            self.redis.xadd(key, fields, id=entry_id)  # type: ignore[arg-type]  # bytes are values too

    def append_all(self) -> None:
        self.append(KEYS.commands, self.recorded.entries)
        self.append(KEYS.feed, self.recorded.feed)

    def store_checkpoint(self) -> None:
        engine = self.recorded.engine
        self.redis.set(KEYS.checkpoint, encode_checkpoint(Checkpoint(engine, 1, "store")))
        accounts = {user: account.message() for user, account in engine.accounts.items()}
        self.redis.set(KEYS.accounts, encode_accounts(accounts))
        self.redis.set(KEYS.listing, encode_listing([each.instrument for each in engine.instruments.values()]))


@pytest.fixture
def market(redis_url: str) -> Market:
    return Market(redis_url, 11)


@asynccontextmanager
async def ledger(market: Market, database: str, **limits: int) -> AsyncIterator[LedgerService]:
    settings = LedgerSettings(redis_url=market.url, ledger_database=database, ledger_product="test", **limits)  # type: ignore[arg-type]
    metrics = LedgerMetrics(CollectorRegistry())
    async with open_redis(market.url, "reader") as reading, open_redis(market.url, "asking") as asking:
        service = LedgerService(settings, reading, asking, chain, metrics, Random(1))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(service.run())
                try:
                    yield service
                finally:
                    service.stop()
        except BaseExceptionGroup as group:
            raise first_error(group) from group


async def until(holds: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not holds():  # noqa: ASYNC110 - it is looked at from outside
            await asyncio.sleep(0.02)
    assert holds(), what


def read(database: str, query: Callable[[Connection], object]) -> object:
    engine = open_engine(database_url(database), writes=False)
    with engine.connect() as connection:
        found = query(connection)
    engine.dispose()
    return found


async def test_it_follows_and_tells_the_store_how_far_it_is(market: Market, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/ledger.db"
    market.append(KEYS.commands, market.recorded.entries)
    half = len(market.recorded.feed) // 2
    market.append(KEYS.feed, market.recorded.feed[:half])
    end = market.recorded.engine.position
    async with ledger(market, database) as service:
        await until(lambda: service.metrics.position > 0 and not service.metrics.lag_s(), "half of it")
        market.append(KEYS.feed, market.recorded.feed[half:])
        await until(lambda: service.metrics.position == end, "all of it")
        assert service.unready == ""
    told = market.redis.get(KEYS.ledger)
    assert isinstance(told, bytes)
    assert decode_ledger_place(told).feed_id.position == end
    written = select(schema.place.c.feed_id, schema.place.c.log_id)
    feed_id, log_id = read(database, lambda connection: tuple(connection.execute(written).one()))  # type: ignore[misc]
    assert decode_ledger_place(told) == LedgerPlace(FeedId.parse(feed_id), log_id), "both logs are held for it"
    assert log_id != "0-0"
    rows = read(database, lambda connection: connection.execute(select(schema.packet.c.sha256)).all())
    assert len(rows) == len(market.recorded.feed)  # type: ignore[arg-type]


@pytest.mark.parametrize("log", ["packets", "entries"])
async def test_how_full_the_store_is_counts_either_log(market: Market, tmp_path: Path, log: str) -> None:
    """The one that is nearer to where the market waits no longer."""
    market.append_all()
    length = len(market.recorded.feed if log == "packets" else market.recorded.entries)
    hold = {"ledger_hold_packets": 1_000_000, "ledger_hold_entries": 1_000_000, f"ledger_hold_{log}": 4 * length}
    async with ledger(market, f"sqlite:///{tmp_path}/ledger.db", **hold) as service:
        await until(lambda: service.metrics.hold_share > 0, "it has looked")
        assert service.metrics.hold_share == pytest.approx(0.25)


async def test_what_nobody_has_any_more_is_a_gap(market: Market, tmp_path: Path) -> None:
    """And it goes on from the store's checkpoint, with the engine's balances."""
    database = f"sqlite:///{tmp_path}/ledger.db"
    first, lost = market.recorded.feed[:5], len(market.recorded.feed) - 3
    market.append(KEYS.commands, market.recorded.entries)
    market.append(KEYS.feed, first)
    async with ledger(market, database) as service:
        await until(lambda: service.metrics.position > 0, "the beginning")
    before = service.metrics.position
    market.redis.delete(KEYS.feed)
    market.append(KEYS.feed, market.recorded.feed[lost:])
    async with ledger(market, database) as service:
        await until(lambda: "waiting for a checkpoint" in service.unready, "it says what it waits for")
        market.store_checkpoint()
        end = market.recorded.engine.position
        await until(lambda: service.metrics.position == end, "it goes on")
        await until(lambda: service.metrics.gaps == 1, "and counts it")
    gap = read(database, lambda connection: tuple(connection.execute(select(schema.gap)).one()))
    assert gap[:3] == (1, before, end)  # type: ignore[index]
    holdings = read(
        database,
        lambda connection: {
            (row.user, row.instrument): (row.lots, row.cost)
            for row in connection.execute(select(schema.holding))
            if row.lots
        },
    )
    assert holdings == {
        (user, symbol): (held.lots, held.cost)
        for user, account in market.recorded.engine.accounts.items()
        for symbol, held in account.holdings.items()  # type: ignore[attr-defined]
        if held.lots
    }
    marks = read(database, lambda connection: connection.execute(select(schema.mark.c.position)).scalars().all())
    assert marks == [end]


async def test_a_ledger_may_begin_in_the_middle(market: Market, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/ledger.db"
    market.append(KEYS.commands, market.recorded.entries[-20:])
    market.append(KEYS.feed, market.recorded.feed[-4:])
    market.store_checkpoint()
    end = market.recorded.engine.position
    async with ledger(market, database) as service:
        await until(lambda: service.metrics.position == end, "it begins at the checkpoint")
    gap = read(database, lambda connection: tuple(connection.execute(select(schema.gap)).one()))
    assert gap[:4] == (1, 0, end, "the ledger began here")  # type: ignore[index]


async def test_a_feed_that_went_back_is_waited_for(market: Market, tmp_path: Path) -> None:
    """The same epoch, and no new term: its leader sends again what the store lost."""
    database = f"sqlite:///{tmp_path}/ledger.db"
    feed = market.recorded.feed
    market.append(KEYS.commands, market.recorded.entries)
    market.append(KEYS.feed, feed[:-5])
    async with ledger(market, database) as service:
        await until(lambda: service.metrics.position > 0 and not service.metrics.lag_s(), "all so far")
        at = service.metrics.position
        market.redis.delete(KEYS.feed)
        market.append(KEYS.feed, feed[:-9])
        await until(lambda: "lost its tail" in service.unready, "it says so")
        assert service.metrics.position == at
        market.append(KEYS.feed, feed[-9:])
        await until(lambda: service.metrics.position == market.recorded.engine.position, "it goes on")
        assert service.unready == ""
    rows = read(database, lambda connection: connection.execute(select(schema.packet.c.position)).all())
    assert len(rows) == len(feed)  # type: ignore[arg-type]


async def test_what_cannot_be_read_ends_it_and_is_never_skipped(market: Market, tmp_path: Path) -> None:
    market.append(KEYS.commands, market.recorded.entries)
    market.append(KEYS.feed, market.recorded.feed[:4])
    market.redis.xadd(KEYS.feed, {"p": b"\xc1", "t": b"5"}, id="1-4000")
    with pytest.raises(CorruptEntry, match="1-4000"):
        async with ledger(market, f"sqlite:///{tmp_path}/ledger.db") as service:
            await asyncio.sleep(1.5)
    assert service.metrics.position == int(market.recorded.feed[3][0].partition(b"-")[2])


async def test_refused_accesses_are_kept_once(market: Market, tmp_path: Path) -> None:
    """Also over a restart; what somebody else wrote there is passed by."""
    database = f"sqlite:///{tmp_path}/ledger.db"
    market.append_all()
    refused = RefusedAccesses("gateway")
    refused.tell("ann", "not_permitted", "role: viewer may not trade", 7)
    refused.tell("", "not_authenticated", "the token has ended", 8)

    def append() -> None:
        for entry in refused.take():
            fields = entry.fields()
            market.redis.xadd(KEYS.audit, dict(zip(fields[::2], fields[1::2], strict=True)))

    def kept() -> list[tuple[str, str, str]]:
        if not Path(database.removeprefix("sqlite:///")).exists():
            return []
        rows = read(database, lambda connection: connection.execute(select(schema.access)).all())
        return [(row.where, row.user, row.code) for row in rows]  # type: ignore[attr-defined]

    append()
    market.redis.xadd(KEYS.audit, {"x": "y"})
    two = [("gateway", "ann", "not_permitted"), ("gateway", "", "not_authenticated")]
    async with ledger(market, database) as service:
        await until(lambda: service.metrics.position > 0 and kept() == two, "both")
    refused.tell("bob", "not_permitted", "role: none may not trade", 9)
    append()
    async with ledger(market, database):
        await until(lambda: kept() == [*two, ("gateway", "bob", "not_permitted")], "the third, and no other again")


async def test_a_file_that_is_there_and_empty_gets_its_tables(market: Market, tmp_path: Path) -> None:
    """Whoever makes the first tables may be killed in the middle: the next start ended with status 6 for ever."""
    market.append_all()
    (tmp_path / "ledger.db").touch()
    async with ledger(market, f"sqlite:///{tmp_path / 'ledger.db'}") as service:
        await until(lambda: service.metrics.position == market.recorded.engine.position, "all of it")


async def test_a_folder_that_cannot_be_made_is_waited_for(market: Market, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file is in the way")
    async with ledger(market, f"sqlite:///{tmp_path / 'folder' / 'ledger.db'}") as service:
        await until(lambda: "the database does not do its work" in service.unready, "it says why")
        (tmp_path / "folder").unlink()
        market.append_all()
        await until(lambda: service.metrics.position == market.recorded.engine.position, "all of it")


async def test_what_is_no_file_is_named(market: Market, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must be a file"):
        async with ledger(market, f"sqlite:///{tmp_path}"):
            await asyncio.sleep(WITHIN_S)
