"""Orders: the `accepted` execution of each, and what has become of it since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, select

from openoutcry.wire.types import ExecutionEvent
from services.ledger import schema
from services.ledger.queries.lineage import Lineage
from services.ledger.queries.member import Kind, RowMember
from services.ledger.queries.page_cursor import Key
from services.ledger.queries.parameter import ORDER, PAGE, choice
from services.ledger.queries.record_catalogue import INSTRUMENT, PLACE_MEMBERS, TIMES, USER
from services.ledger.queries.record_query import (
    RECORD_KEY,
    Asked,
    RecordQuery,
    behind,
    equals,
    filter_clauses,
    key_columns,
    ordering,
    time_clauses,
)
from services.ledger.queries.viewer import Viewer, visible

OPEN: Final = "open"
ENDED: Final = (ExecutionEvent.FILLED, ExecutionEvent.CANCELLED, ExecutionEvent.EXPIRED)
STATES: Final = (OPEN, *map(str, ENDED))
_execution = schema.execution

ORDERS: Final = RecordQuery(
    "orders",
    "Orders that were accepted, in the order in which they were, each as it stands now.",
    _execution,
    (
        *PLACE_MEMBERS,
        RowMember("time", Kind.TIME, "When it was accepted."),
        RowMember("updated", Kind.TIME, "When something happened to it last."),
        RowMember("user", Kind.TEXT, "Whose it is."),
        RowMember("order_id", Kind.INTEGER, "Its number."),
        RowMember("client_order_id", Kind.TEXT, "As its user named it."),
        RowMember("instrument", Kind.TEXT, "Symbol."),
        RowMember("side", Kind.TEXT, "`bid` or `ask`."),
        RowMember("kind", Kind.TEXT, "`limit` or `market`."),
        RowMember("time_in_force", Kind.TEXT, "How long it may wait."),
        RowMember("price", Kind.PRICE, "In ticks; 0: none."),
        RowMember("quantity", Kind.QUANTITY, "In lots."),
        RowMember("filled", Kind.QUANTITY, "Of them, traded."),
        RowMember("remaining", Kind.QUANTITY, "What may still trade."),
        RowMember("state", Kind.TEXT, f"{', '.join(f'`{state}`' for state in STATES)}."),
        RowMember("reason", Kind.TEXT, "Why it ended."),
        RowMember("trigger", Kind.PRICE, "Of a stop order that waits, in ticks; 0: none."),
        RowMember("expires_at", Kind.TIME, "When it ends."),
        RowMember("expires_on", Kind.TEXT, "The date at whose close it ends."),
    ),
    (
        USER,
        INSTRUMENT,
        choice("state", STATES, "Orders in this state alone."),
        *TIMES,
        ORDER,
        *PAGE,
    ),
    {"user": equals("user"), "instrument": equals("instrument")},
)
"""A rejected order is no order; its execution says why it was refused."""


def order_statement(asked: Asked, after: Key | None, order_id: int | None = None) -> Select[Any]:
    """
    Return the SELECT of the executions by which orders were accepted, behind a key, in order.

    Args:
        asked: By whom, with which parameters.
        after: Key of the last row before.
        order_id: Of one order alone.
    """
    rows = _execution.alias("rows")
    keys = key_columns(RECORD_KEY, rows, asked.collation)
    clauses = [
        visible(_execution, asked.viewer, rows.c),
        asked.reach(after).current(rows.c),
        rows.c.event == ExecutionEvent.ACCEPTED.value,
        *filter_clauses(ORDERS.filters, asked, rows.c),
        *time_clauses(rows.c.time, asked.values),
        behind(keys, after, descending=asked.is_descending),
    ]
    if order_id is not None:
        clauses.append(rows.c.order_id == order_id)
    if "state" in asked.values:
        clauses.append(_in_state(rows, asked.lineage, asked.values["state"]))
    return select(*rows.c).where(*clauses).order_by(*ordering(keys, descending=asked.is_descending))


def latest_statement(order_ids: Collection[int], viewer: Viewer, lineage: Lineage) -> Select[Any]:
    """Return the SELECT of the last execution of each of these orders, with `filled` lots in all."""
    rows = _execution.alias("rows")
    newest_first = [rows.c[part.name].desc() for part in RECORD_KEY]
    ranked = (
        select(
            *rows.c,
            func.row_number().over(partition_by=rows.c.order_id, order_by=newest_first).label("rank"),
            func.sum(rows.c.fill_quantity).over(partition_by=rows.c.order_id).label("filled"),
        )
        .where(visible(_execution, viewer, rows.c), lineage.current(rows.c), rows.c.order_id.in_(sorted(order_ids)))
        .subquery()
    )
    return select(*ranked.c).where(ranked.c.rank == 1)


def order_row(accepted: Mapping[str, Any], latest: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order: where and when it was accepted, and how it stands."""
    row = {name: latest[name] for name in accepted}
    row |= {part.name: accepted[part.name] for part in RECORD_KEY}
    return row | {
        "time": accepted["time"],
        "updated": latest["time"],
        "filled": int(latest["filled"]),
        "state": OPEN if latest["remaining"] else latest["event"],
    }


def _in_state(rows: Any, lineage: Lineage, state: str) -> ColumnElement[bool]:
    """An order ends with the execution after which nothing remains."""
    end = _execution.alias("ended")
    clause = and_(end.c.order_id == rows.c.order_id, lineage.current(end.c), end.c.remaining == 0)
    if state == OPEN:
        return not_(exists().where(clause))
    return exists().where(clause, end.c.event == state)
