"""The book of any moment is the one that a client saw then, and the record of every market verifies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.aio.verify_run import verify
from outcry.time_machine.past_market import PastMarket, market_at, market_at_position
from outcry.time_machine.told_account import told_account
from outcry.time_machine.told_book import told_book
from outcry.time_machine.told_rules import told_rules
from outcry.time_machine.unrecorded import NotRecorded
from shared.logs.commands import Command
from tests.property.account_flow import account_logs
from tests.property.command_flow import command_logs
from tests.property.examples import FEWER
from tests.property.ledger_recorder import SALTS, LedgerRecorder, Seen, fresh_url
from tests.property.rule_flow import rule_logs

LOGS = st.one_of(command_logs(), account_logs(), rule_logs())
ACTS = st.lists(st.sampled_from(["packet", "packet", "packet", "block", "mark", "leader", "epoch"]), max_size=30)


def played(url: str, log: list[Command], sizes: list[int], acts: list[str]) -> LedgerRecorder:
    """Have a market live, cut into entries, packets, blocks, terms and epochs in some way."""
    market = LedgerRecorder(url)
    commands = iter(log)
    for n, command in enumerate(commands):
        size = sizes[n % len(sizes)]
        entry = [command, *(next(commands, None) for _ in range(size - 1))]
        market.entry([each for each in entry if each is not None], f"{(n + 1) * 700}-{n}")
        act = acts[n] if n < len(acts) else ""
        if act:
            market.packet()
        if act in ("block", "mark"):
            if act == "mark":
                market.mark()
            market.commit()
        elif act in ("leader", "epoch"):
            term = market.term + 1 + n
            if act == "leader":
                market.lead(term)
            else:
                market.begin_epoch(market.engine.epoch + 1, term)
    market.packet()
    market.commit()
    return market


def shown(past: PastMarket, symbol: str) -> Any:
    book = told_book(past, symbol, 1_000)
    return dict(level[:2] for level in book.bids), dict(level[:2] for level in book.asks), book.seq, book.digest


@settings(max_examples=max(1, FEWER.max_examples // 3))
@given(log=LOGS, sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4), acts=ACTS, data=st.data())
def test_the_book_of_a_moment_is_the_one_that_a_client_saw(
    tmp_path_factory: pytest.TempPathFactory, log: list[Command], sizes: list[int], acts: list[str], data: st.DataObject
) -> None:
    url = fresh_url(tmp_path_factory.getbasetemp())
    market = played(url, log, sizes, acts)
    record = LedgerRecord(reading_engine(url))
    for symbol, told in market.seen.items():
        seen = data.draw(st.sampled_from(told))
        past = market_at_position(record, seen.position, [symbol])
        assert shown(past, symbol) == (seen.bids, seen.asks, seen.seq, seen.digest)
        assert past.position == seen.position
        if symbol in past.compared:
            assert past.compared[symbol][1:] == (seen.seq, seen.digest)
    found = verify(url, salts=SALTS)
    assert found.findings == []
    assert found.commands == market.engine.position
    for moment in data.draw(st.lists(st.integers(1, 700 * (len(log) + 1)), max_size=3)):
        _check_time(record, market, moment * 1000)


def _check_time(record: LedgerRecord, market: LedgerRecorder, time_us: int) -> None:
    if time_us > market.engine.time:
        with pytest.raises(NotRecorded, match="the ledger is at"):
            market_at(record, time_us)
        return
    past = market_at(record, time_us, list(market.seen))
    told_rules(past)
    for user in past.engine.accounts:
        told_account(past, user).lines()
    past.engine.check_invariants()
    for symbol, told in market.seen.items():
        last: Seen | None = next((seen for seen in reversed(told) if seen.position <= past.position), None)
        if last is not None and last.seq == past.engine.instruments[symbol].book.seq:
            assert shown(past, symbol)[:2] == (last.bids, last.asks)


def test_the_digest_that_was_published_is_compared(tmp_path: Any) -> None:
    """A replay that came to another book must not be shown as what clients saw."""
    market = LedgerRecorder(fresh_url(tmp_path))
    with pytest.raises(NotRecorded, match="nothing yet"):
        market_at_position(LedgerRecord(reading_engine(str(market.database.url))), 0)
