"""Whatever statement fails, and however packets are gathered: the tables are those of one run without faults."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from services.ledger.command_block import StoredEntry, decode_entries
from shared.logs.commands import Command
from tests.integration.ledger.faulty_driver import Faults
from tests.integration.ledger.small_ledger import SmallLedger, sqlite_ledger
from tests.integration.ledger.trading_log import trading_log
from tests.property.recorded_market import RecordedMarket, recorded
from tests.real_postgres import RealPostgres

FILLED = {
    "execution", "trade", "transfer", "refusal", "admin_action", "rule", "clearance", "user_group", "terms",
    "instrument", "status_change", "book_mark", "packet", "history", "purse", "holding", "candle_1m",
}  # fmt: skip
"""Tables in which a run of these markets leaves rows."""


def market_of(seed: int) -> RecordedMarket:
    random = Random(seed)
    log: list[Command] = trading_log(random, 90)
    return recorded(log, {n for n in range(len(log)) if random.random() < 0.2})


def runs_through(ledger: SmallLedger, market: RecordedMarket, random: Random, *, after_commit: bool) -> int:
    """Go on to the end with a fault at every statement in turn, a bit of the feed at a time; returns the faults."""
    struck, at, end = 0, 1, 0
    while end < len(market.feed):
        end = min(len(market.feed), end + random.randint(2, 9))
        while True:
            faults = Faults(at, after_commit=after_commit)
            finished = ledger.record(market.feed[:end], market.entries, faults)
            struck += faults.struck
            if finished:
                break
            at += random.randint(1, 4)
        at = 1 + at % 20
    return struck


@pytest.mark.parametrize(("seed", "after_commit"), [(1, False), (2, True)])
def test_sqlite(tmp_path: Path, seed: int, after_commit: bool) -> None:
    market = market_of(seed)
    whole, faulty = sqlite_ledger(tmp_path, "whole"), sqlite_ledger(tmp_path, "faulty")
    assert whole.record(market.feed, market.entries)
    assert runs_through(faulty, market, Random(seed), after_commit=after_commit) > 5
    assert faulty.tables() == whole.tables()
    assert seed != 1 or {name for name, rows in whole.tables().items() if rows} >= FILLED
    assert entries_of(faulty) == entries_of(whole) == market.entries


def test_postgres(tmp_path: Path, postgres: RealPostgres, postgres_url: str) -> None:
    market = market_of(3)
    whole, faulty = sqlite_ledger(tmp_path, "whole"), SmallLedger(postgres_url)
    assert whole.record(market.feed, market.entries)
    assert runs_through(faulty, market, Random(3), after_commit=True) > 5
    assert faulty.tables() == whole.tables()
    assert entries_of(faulty) == market.entries


def entries_of(ledger: SmallLedger) -> list[StoredEntry]:
    return [entry for data in ledger.entries() for entry in decode_entries(data)]
