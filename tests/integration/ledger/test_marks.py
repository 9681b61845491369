"""Marks where the record needs them: of each leader, whose settings are in no log, and of each close of a day."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from outcry.time_machine.aio.verify_run import verify
from services.ledger import schema
from services.ledger.aio import service as ledger_service
from services.ledger.aio.service import LedgerService
from services.matching import Engine
from services.matching.floor import EngineConfig
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from shared.logs.commands import Command, ListInstrument, PlaceOrder
from tests.integration.ledger.test_days_end import day_log
from tests.integration.ledger.test_ledger_service import KEYS, Market, ledger, read, until
from tests.property.command_flow import INSTRUMENTS
from tests.property.recorded_market import START_MS, Recording


class Leading(Market):
    """A market whose leaders and checkpoints are what the test wants."""

    def __init__(self, url: str) -> None:
        super().__init__(url, 11)
        self.engine = Engine(EngineConfig(open_orders_max=2))
        self.engine.begin_epoch(881)
        self.recording = Recording(PacketBuilder(self.engine))
        self.recording.take(marker=True)
        self._told = [0, 0]
        self._number = 0

    def does(self, *commands: Command) -> None:
        for command in commands:
            self._number += 1
            self.recording.apply(command, START_MS + self._number * 700)
            self.recording.take()

    def orders(self, count: int) -> None:
        for _ in range(count):
            number = self._number + 1
            self.does(
                PlaceOrder(
                    "s", number, "ann", "ACME", f"c{number}", Side.BID, OrderKind.LIMIT, 100, 1, TimeInForce.GTC, False,
                    SelfTradePrevention.CANCEL_NEWEST,
                )
            )  # fmt: skip

    def is_led_by_another(self, config: EngineConfig) -> None:
        self.recording.term += 1
        self.engine.config = config
        self.recording.take(marker=True)

    def tells(self) -> int:
        """Have the logs hold all of it; returns the position."""
        commands, packets = self._told
        self.append(KEYS.commands, self.recording.entries[commands:])
        self.append(KEYS.feed, self.recording.feed[packets:])
        self._told = [len(self.recording.entries), len(self.recording.feed)]
        return self.engine.position

    def stores_checkpoint(self) -> None:
        data = encode_checkpoint(Checkpoint(self.engine, self.recording.term, "store"))
        self.redis.set(KEYS.checkpoint, data)


@pytest.fixture
def market(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Leading:
    monkeypatch.setattr(ledger_service, "LOOK_S", 0.05)
    return Leading(redis_url)


def marked(database: str) -> list[int]:
    positions = select(schema.mark.c.position).order_by(schema.mark.c.position)
    return list(read(database, lambda connection: connection.execute(positions).scalars().all()))  # type: ignore[call-overload]


async def until_written(service: LedgerService, position: int) -> None:
    await until(lambda: service.metrics.position == position, f"it is at {position}")


async def test_each_leaders_settings_are_kept(market: Leading, tmp_path: Path) -> None:
    """The second allows more open orders, the third one: replayed by another's settings their orders would differ."""
    database = f"sqlite:///{tmp_path}/ledger.db"
    market.does(ListInstrument("s", 1, INSTRUMENTS[0]))
    market.orders(4)
    position = market.tells()
    wanted = [position]
    market.stores_checkpoint()
    async with ledger(market, database) as service:
        await until_written(service, position)
        await until(lambda: marked(database) == wanted, "the first leader's")
        for open_orders_max in (4, 1):
            market.is_led_by_another(EngineConfig(open_orders_max=open_orders_max))
            market.orders(4)
            market.tells()
            market.stores_checkpoint()
            wanted.append(market.engine.position)
            await until(lambda: marked(database) == wanted, "the next leader's")
        market.orders(2)
        await until_written(service, market.tells())
    found = verify(database)
    assert found.findings == []
    assert found.marks == len(wanted)


async def test_a_mark_of_the_leader_before_is_not_the_leaders(market: Leading, tmp_path: Path) -> None:
    """Right after a change the store's checkpoint is still that of before: the next one is waited for."""
    database = f"sqlite:///{tmp_path}/ledger.db"
    market.does(ListInstrument("s", 1, INSTRUMENTS[0]))
    market.tells()
    market.stores_checkpoint()
    async with ledger(market, database) as service:
        await until_written(service, 1)
        await until(lambda: marked(database) == [1], "the first leader's")
        market.orders(1)
        market.stores_checkpoint()
        market.is_led_by_another(EngineConfig())
        market.orders(1)
        position = market.tells()
        await until_written(service, position)
        market.orders(1)
        position = market.tells()
        await until_written(service, position)
        assert marked(database) == [1]
        market.stores_checkpoint()
        await until(lambda: marked(database) == [1, position], "the next leader's")


async def test_a_close_has_a_mark_behind_it(market: Leading, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/ledger.db"
    commands = day_log()
    market.does(commands[0])
    market.tells()
    market.stores_checkpoint()
    closes = select(schema.balance_eod.c.position).distinct().order_by(schema.balance_eod.c.position)
    async with ledger(market, database) as service:
        await until_written(service, 1)
        await until(lambda: marked(database) == [1], "the beginning")
        market.does(*commands[1:])
        position = market.tells()
        market.stores_checkpoint()
        await until(lambda: marked(database) == [1, position], "the mark behind the close")
    closed = read(database, lambda connection: connection.execute(closes).scalars().all())
    assert len(closed) == 2  # type: ignore[arg-type]
    assert verify(database).findings == []
