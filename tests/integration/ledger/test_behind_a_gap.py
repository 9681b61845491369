"""What is behind a gap of the record is right: balances, instruments, and what a fork leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from outcry.time_machine.aio.verify_run import verify
from services.ledger import schema
from services.ledger.aio.database import open_engine
from services.ledger.aio.ledger_writer import LedgerWriter
from services.ledger.aio.ownership import check_owner
from services.ledger.aio.store_mark import MarketStanding, StoredMark, read_standing
from services.ledger.checkpoint_head import read_mark_head
from services.ledger.command_block import StoredEntry
from services.matching import Engine
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from shared.logs.commands import Command
from shared.logs.packet import FeedId
from shared.logs.snapshots import encode_accounts, encode_listing
from tests.integration.ledger.small_ledger import SmallLedger, chain, sqlite_ledger
from tests.integration.ledger.trading_log import trading_log
from tests.property.recorded_market import START_MS, Recording

EARLY, LATE = 50, 75
"""Commands behind which a gap begins, and ends."""
ALL = 110


class Branch:
    """One epoch of a market: its logs, and engines as they were."""

    def __init__(self, epoch: int, before: Branch | None = None, at: int = 0) -> None:
        self.truth: list[tuple[Command, int]] = before.truth[:at] if before else []
        self.epoch = epoch
        self.term = before.term + 1 if before else 1
        engine = self.engine_at(at)
        engine.begin_epoch(epoch)
        self.engine = engine
        builder = PacketBuilder(engine)
        builder.marker()
        entries = before.entries if before else []
        engine.log_id = entries[-1][0].decode() if entries else "0-0"
        recording = Recording(builder, self.term)
        recording.take(marker=True)
        for number, command in enumerate(trading_log(Random(epoch), 90), 1):
            ms = START_MS + (len(entries) + number) * 700
            renamed = command._replace(source=f"{command.source}-{self.term}")
            recording.apply(renamed, ms)
            self.truth.append((renamed, ms))
            if number % 5 == 0:
                recording.take()
            if number == ALL:
                break
        recording.take()
        self.feed, self.entries = recording.feed, entries + recording.entries
        self.begins = at

    def engine_at(self, position: int) -> Engine:
        engine = Engine()
        engine.begin_epoch(self.epoch)
        for command, ms in self.truth[:position]:
            engine.apply(command, ms * 1_000)
        return engine

    def above(self, position: int) -> list[StoredEntry]:
        return [each for each in self.feed if FeedId.parse(each[0]).position > position]

    def up_to(self, position: int) -> list[StoredEntry]:
        return [each for each in self.feed if FeedId.parse(each[0]).position <= position]

    def standing(self, position: int) -> MarketStanding:
        """What the store keeps of a moment, which is a packet's end."""
        engine = self.engine_at(self.begins)
        engine.begin_epoch(self.epoch)
        ids = {ms: entry_id.decode() for (_, ms), (entry_id, _) in self._pairs()}
        for command, ms in self.truth[self.begins : position]:
            engine.apply(command, ms * 1_000)
            engine.log_id = ids[ms]
        data = encode_checkpoint(Checkpoint(engine, self.term, "store"))
        accounts = encode_accounts({user: account.message() for user, account in engine.accounts.items()})
        listing = encode_listing([each.instrument for each in engine.instruments.values()])
        return read_standing(StoredMark(read_mark_head(data), data), accounts, listing)

    def _pairs(self) -> Iterator[tuple[tuple[Command, int], StoredEntry]]:
        yield from zip(self.truth[::-1], self.entries[::-1], strict=False)


@contextmanager
def writing(ledger: SmallLedger) -> Iterator[LedgerWriter]:
    engine = open_engine(ledger.url, writes=True)
    with engine.connect() as connection:
        check_owner(connection, "test", 0)
        yield LedgerWriter(connection, 0, chain)
    engine.dispose()


def jump(ledger: SmallLedger, standing: MarketStanding) -> None:
    with writing(ledger) as writer:
        writer.jump(standing, "lost")


def kept(ledger: SmallLedger) -> dict[tuple[str, str], tuple[int, ...]]:
    with ledger.reading() as connection:
        lots = {(r.user, r.instrument): (r.lots, r.cost) for r in connection.execute(select(schema.holding)) if r.lots}
        money = {(r.user, r.currency): (r.amount,) for r in connection.execute(select(schema.purse)) if r.amount}
    return lots | money


def held(engine: Engine) -> dict[tuple[str, str], tuple[int, ...]]:
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for user, account in engine.accounts.items():
        book: Any = account
        found |= {(user, symbol): (each.lots, each.cost) for symbol, each in book.holdings.items() if each.lots}
        found |= {(user, name): (each.amount,) for name, each in book.purses.items() if each.amount}
    return found


@pytest.fixture
def first() -> Branch:
    return Branch(77)


def gaps(ledger: SmallLedger) -> list[tuple[Any, ...]]:
    return [row[:3] for row in ledger.tables()["gap"]]


def test_a_ledger_that_began_late_knows_its_instruments_after_a_new_start(first: Branch, tmp_path: Path) -> None:
    """Their listing is in no packet that it has: lots were taken for money of that name."""
    ledger = sqlite_ledger(tmp_path, "late")
    jump(ledger, first.standing(EARLY))
    assert ledger.record(first.above(EARLY), first.entries)
    assert kept(ledger) == held(first.engine)
    assert verify(f"sqlite:///{tmp_path}/late.db").findings == []


def with_gap(first: Branch, folder: Path) -> SmallLedger:
    ledger = sqlite_ledger(folder, "gap")
    assert ledger.record(first.up_to(EARLY), first.entries)
    jump(ledger, first.standing(LATE))
    assert ledger.record(first.above(LATE), first.entries)
    assert kept(ledger) == held(first.engine)
    return ledger


@pytest.mark.parametrize("at", [EARLY - 10, EARLY, LATE, LATE + 10])
def test_a_fork_behind_or_before_a_gap(first: Branch, tmp_path: Path, at: int) -> None:
    ledger = with_gap(first, tmp_path)
    second = Branch(99, first, at)
    assert ledger.record(second.feed, second.entries)
    assert kept(ledger) == held(second.engine)
    assert gaps(ledger) == [(1, EARLY, LATE)]
