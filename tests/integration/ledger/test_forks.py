"""A store that lost its tail goes on otherwise: what the ledger has above the fork is not current any more."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from services.ledger.aio.ledger_ddl import CURRENT_OF
from services.ledger.command_block import StoredEntry
from services.matching import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command
from shared.logs.feed_entry import decode_feed_entry
from shared.logs.packet import FeedId
from tests.integration.ledger.small_ledger import SmallLedger, sqlite_ledger
from tests.integration.ledger.trading_log import trading_log
from tests.property.recorded_market import START_MS, Recording

STATE = ("purse", "holding", "candle_1m")


class Branching:
    """A market that goes back now and then: what there was, and what is true."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.truth: list[tuple[Command, int]] = []
        """Commands in order, and when."""
        self.feed: list[StoredEntry] = []
        """As the ledger met it."""
        self.true_feed: list[StoredEntry] = []
        self.entries: list[StoredEntry] = []
        self.branch(0, 77)

    def branch(self, at: int, epoch: int) -> None:
        """Go back to a position, and on from there in an epoch."""
        self.term = len(self.feed) + 1
        self.truth = self.truth[:at]
        engine = Engine()
        for command, ms in self.truth:
            engine.apply(command, ms * 1_000)
        assert engine.position == at
        engine.begin_epoch(epoch)
        PacketBuilder(engine).marker()  # what came before has been told
        engine.log_id = self.entries[-1][0].decode() if self.entries else "0-0"
        self.true_feed = [each for each in self.true_feed if FeedId.parse(each[0]).position <= at]
        recording = Recording(PacketBuilder(engine), self.term)
        recording.take(marker=True)
        log = trading_log(Random(self.term), 25)
        for number, command in enumerate(log, 1):
            ms = START_MS + (len(self.entries) + number) * 700
            renamed = command._replace(source=f"{command.source}-{self.term}")
            recording.apply(renamed, ms)
            self.truth.append((renamed, ms))
            if self.random.random() < 0.3:
                recording.take()
        recording.take()
        self.entries += recording.entries
        self.feed += recording.feed
        self.true_feed += recording.feed

    def boundary(self) -> int:
        """Return the position of a packet that is true."""
        return FeedId.parse(self.random.choice(self.true_feed)[0]).position


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_current_records_are_those_of_what_is_true(tmp_path: Path, seed: int) -> None:
    market = Branching(seed)
    ledger = sqlite_ledger(tmp_path, "forked")
    assert ledger.record(market.feed, market.entries)
    for fork in range(3):
        market.branch(market.boundary(), 77 if fork == 1 else 100 + fork)  # also in the same epoch
        assert ledger.record(market.feed, market.entries)
    true = sqlite_ledger(tmp_path, "true")
    assert true.record(market.true_feed, market.entries)
    assert current(ledger) == current(true)
    everything = ledger.tables()
    assert len(everything["packet"]) == len(market.feed), "what was left is still there"
    assert len(everything["history"]) == 4


def test_what_a_fork_cuts_in_two_is_a_gap(tmp_path: Path) -> None:
    """The packet's rows are of what was left, and its first commands' are nowhere else."""
    market = Branching(5)
    ledger = sqlite_ledger(tmp_path, "cut")
    assert ledger.record(market.feed, market.entries)
    packets = [decode_feed_entry("feed", *each).packet for each in market.feed]
    cut = next(packet for packet in reversed(packets) if packet.position - packet.prev > 1)
    market.branch(cut.position - 1, 99)
    assert ledger.record(market.feed, market.entries)
    [gap] = ledger.tables()["gap"]
    assert gap[:3] == (2, cut.prev, cut.position - 1)


def test_on_postgres_too(postgres_url: str, tmp_path: Path) -> None:
    market = Branching(4)
    ledger, true = SmallLedger(postgres_url), sqlite_ledger(tmp_path, "true")
    assert ledger.record(market.feed, market.entries)
    market.branch(market.boundary(), 78)
    assert ledger.record(market.feed, market.entries)
    assert true.record(market.true_feed, market.entries)
    assert current(ledger) == current(true)


def current(ledger: SmallLedger) -> dict[str, list[Any]]:
    """Return what the views of current records show, without the ledger's numbers of histories, and the state."""
    found = {}
    with ledger.reading() as connection:
        for name in [*(f"current_{table.name}" for table in CURRENT_OF), "orders", "posting", *STATE]:
            rows = connection.execute(text(f"SELECT * FROM {name}")).mappings()
            without = ("history", "accepted_history", "term")
            found[name] = sorted(
                [{key: value for key, value in row.items() if key not in without} for row in rows], key=repr
            )
    return found
