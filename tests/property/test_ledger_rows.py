"""The ledger's rows say what the engine's events say, whoever cuts the packets."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.messages import Trade
from services.ledger.asked_commands import AskedCommands, kind_name
from services.ledger.command_block import StoredEntry, entry_place
from services.ledger.rows import Memory, Rows, amount_of
from services.matching import Engine
from shared.logs.commands import Command
from shared.logs.events import AdministrativeAct, Outcome, PrivateExecution, PrivateTransfer, RuleRefusal
from shared.logs.feed_entry import decode_feed_entry
from shared.logs.mass_quote import MassQuote
from tests.property.account_flow import account_logs
from tests.property.command_flow import command_logs
from tests.property.examples import FEWER
from tests.property.funded_flow import funded_logs
from tests.property.recorded_market import EPOCH, START_MS, RecordedMarket, recorded
from tests.property.rule_flow import rule_logs

LOGS = st.one_of(funded_logs(), account_logs(), command_logs(), rule_logs())
CUTS = st.sets(st.integers(0, 80))


def rows_of(market: RecordedMarket) -> dict[str, list[tuple[Any, ...]]]:
    """Make all rows, a packet at a time."""
    rows, waiting = Rows(3, Memory()), deque(market.entries)
    for entry_id, fields in market.feed:
        entry = decode_feed_entry("feed", entry_id, fields)
        last = entry_place(entry.packet.log_id.encode())
        asked: list[StoredEntry] = []
        while waiting and entry_place(waiting[0][0]) <= last:
            asked.append(waiting.popleft())
        rows.add(entry, AskedCommands(asked))
    return dict(rows.by_table)


def without_place(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row[3:] for row in rows]


@FEWER
@given(log=LOGS, cuts=CUTS)
def test_every_event_has_its_row(log: list[Command], cuts: set[int]) -> None:
    tables = rows_of(recorded(log, cuts))
    engine = Engine()
    engine.begin_epoch(EPOCH)
    events = [
        (n, command, event)
        for n, command in enumerate(log)
        for event in engine.apply(command, (START_MS + n * 700) * 1_000)
    ]

    def of(kind: type[Any]) -> list[Any]:
        return [event for _, _, event in events if isinstance(event, kind)]

    padded = (0, 0, "", 0)
    assert without_place(tables.get("execution", [])) == [
        (user, *execution, *padded[len(execution) - 17 :]) for user, execution in of(PrivateExecution)
    ]
    trades = tables.get("trade", [])
    assert [(row[3], row[5], row[4], row[6], row[7], row[8], row[9]) for row in trades] == [
        tuple(trade) for trade in of(Trade)
    ]
    assert all(row[11] and row[12] and row[13] and row[14] for row in trades)
    moved = [half for half in of(PrivateTransfer) if not half.transfer.amount.startswith("-")]
    assert [(row[4], row[8], row[9]) for row in tables.get("transfer", [])] == [
        (half.transfer.transfer_id, half.user, amount_of(half.transfer.amount)) for half in moved
    ]
    refused = [
        (
            START_MS * 1000 + n * 700_000,
            getattr(command, "actor", "") or getattr(command, "user", ""),
            kind_name(type(command)),
            event.code,
            event.text,
        )
        for n, command, event in events
        if isinstance(event, Outcome) and event.code and not isinstance(command, MassQuote)
    ]
    found = [row for row in tables.get("refusal", []) if row[5] != "mass_quote"]
    assert [(row[3], row[4], row[5], row[7], row[8]) for row in found] == refused
    assert all(isinstance(json.loads(row[10]), dict) for row in found)
    named = [each.rule_id for each in of(RuleRefusal)]
    assert sorted(row[9] for row in tables.get("refusal", []) if row[9]) == sorted(named)
    acts = [row for row in tables.get("admin_action", []) if row[4]]
    assert len({(row[1], row[3], row[6], row[4], row[5]) for row in acts}) <= len(of(AdministrativeAct))


@FEWER
@given(log=LOGS, cuts=CUTS)
def test_rows_do_not_depend_on_how_packets_are_cut(log: list[Command], cuts: set[int]) -> None:
    """But for books and calls, of which a packet tells the end alone."""
    once, cut = rows_of(recorded(log, set())), rows_of(recorded(log, cuts))
    for table in ("execution", "transfer", "refusal", "admin_action", "rule", "clearance", "user_group", "instrument"):
        assert without_place(once.get(table, [])) == without_place(cut.get(table, [])), table
