"""What the next rows need of the records before, read from the database as a writer begins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, Table, select

from openoutcry.wire.account import tick_value
from openoutcry.wire.instrument import Instrument
from services.ledger import schema
from services.ledger.acts import PROPOSALS_KEPT_MAX, DoneProposals
from services.ledger.balances import TradedTerms
from services.ledger.rows import Memory
from services.ledger.trading_days import TradingDays

Spans: TypeAlias = Sequence[tuple[int, int | None]]
"""Histories, and the last position that counts of each (None: all)."""


def read_memory(connection: Connection, spans: Spans) -> Memory:
    """Return phases and proposals as they are after the last packet; O(status changes)."""
    table = schema.status_change
    phases = {row.instrument: row.phase for row in _rows(connection, table, spans)}
    acts = schema.admin_action
    done = dict.fromkeys(
        row.proposal_id
        for row in _rows(connection, acts, spans, acts.c.state == "done", acts.c.code == "", acts.c.proposal_id != "")
    )
    days = TradingDays()
    for row in _rows(connection, schema.terms, spans):
        days.follow(row.instrument, json.loads(row.fields)["calendar"])
    carried_out: dict[str, int] = {}  # by proposal, where: one that is repeated changes nothing again
    planned = (acts.c.state == "done", acts.c.code == "", acts.c.action == "set_schedule")
    for row in _rows(connection, acts, spans, *planned):
        if not row.proposal_id or carried_out.setdefault(row.proposal_id, row.position) == row.position:
            fields = json.loads(row.fields)
            days.plan(fields["calendar"], [tuple(step.values()) for step in fields["steps"]])
    return Memory(phases, DoneProposals(list(done)[-PROPOSALS_KEPT_MAX:]), days)


def instrument_terms(connection: Connection, spans: Spans) -> dict[str, TradedTerms]:
    """Return what money each listed instrument is worth."""
    terms: dict[str, TradedTerms] = {}
    for row in _rows(connection, schema.instrument, spans):
        listed = Instrument(**json.loads(row.definition))
        terms[listed.symbol] = TradedTerms(tick_value(listed), listed.currency)
    return terms


def accounts_are_kept(connection: Connection, spans: Spans) -> bool:
    """Tell whether the market keeps accounts."""
    acts = schema.admin_action
    begun = _rows(connection, acts, spans, acts.c.action == "begin_accounts", acts.c.code == "")
    purse = connection.execute(select(schema.purse.c.user).limit(1)).first()
    return purse is not None or next(begun, None) is not None


def _rows(connection: Connection, table: Table, spans: Spans, *where: Any) -> Iterator[Any]:
    """Yield a table's current rows in order."""
    for history, until in sorted(spans):
        statement: Select[Any] = select(table).where(table.c.history == history, *where)
        if until is not None:
            statement = statement.where(table.c.position <= until)
        yield from connection.execute(statement.order_by(table.c.position, table.c.ordinal)).all()
