"""The history is read on as it grows, and from its beginning when it is another one."""

from __future__ import annotations

import json

from outcry.chaos.growing_history import GrowingHistory
from outcry.chaos.trader_record import TraderRecord
from tests.unit.outcry.chaos.history_house import ann, entry
from tests.unit.services.gateway.exchange import Exchange


def test_entries_that_are_known_are_not_added_again() -> None:
    exchange = Exchange("ACME")
    entries = [entry(exchange, executions=[exchange.accepted("ann", number)]) for number in (1, 2, 3)]
    growing = GrowingHistory()
    first = growing.read(entries[:1])
    assert growing.read(entries) is first
    assert first.accepted == {("ann", f"c{number}"): [number] for number in (1, 2, 3)}
    assert (first.finding_count, growing.read(entries).accepted) == (0, first.accepted)


def test_another_history_is_read_from_its_beginning() -> None:
    """The store went back: what was read of the entries that are gone must not stay."""
    exchange, other = Exchange("ACME"), Exchange("ACME")
    growing = GrowingHistory()
    growing.read([entry(exchange, executions=[exchange.accepted("ann", number)]) for number in (1, 2)])
    now = growing.read([entry(other, executions=[other.accepted("ann", 7)])])
    assert now.accepted == {("ann", "c7"): [7]}


def test_a_trader_s_record_survives_json() -> None:
    """It comes from another process."""
    exchange = Exchange("ACME")
    entry(exchange, executions=[exchange.accepted("ann", 1)])
    record = ann(exchange, 1, refused=["c2"], unresolved=["c3"])
    assert record.executions
    assert TraderRecord.read(json.loads(json.dumps(record))) == record
