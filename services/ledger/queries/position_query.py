"""Positions, now or at a day's close, and results by day."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Select, func, literal, select, union_all

from services.ledger import schema
from services.ledger.queries.lineage import Lineage, Place
from services.ledger.queries.listing import Listing
from services.ledger.queries.member import Kind, RowMember
from services.ledger.queries.page_cursor import Key
from services.ledger.queries.parameter import ORDER, PAGE, date, symbol
from services.ledger.queries.record_catalogue import TIMES, USER
from services.ledger.queries.record_query import (
    Asked,
    KeyPart,
    RecordQuery,
    behind,
    equals,
    filter_clauses,
    key_columns,
    ordering,
    packet_time,
    time_clauses,
)
from services.ledger.queries.viewer import visible

_ASSET: Final = symbol("Of this asset alone: a symbol, or a currency.", "asset")
_UNKNOWN: Final = "the record lacks a part in which some may have been realised"
_MONEY_OF: Final = "Null: it is money, or has no reference."

POSITIONS: Final = RecordQuery(
    "positions",
    "Who holds what, now or at the close of a trading day.",
    schema.holding,
    (
        RowMember("user", Kind.TEXT, "Whose it is."),
        RowMember("asset", Kind.TEXT, "An instrument's symbol, or a currency."),
        RowMember("amount", Kind.AMOUNT, "Lots as a whole number, money with six decimals.", "asset"),
        RowMember("cost", Kind.MONEY, "Of all lots together. Null: it is money."),
        RowMember("result", Kind.MONEY, f"Realised. Null: it is money, or {_UNKNOWN}."),
        RowMember(
            "reference", Kind.PRICE, f"Price of the last trade before, else that of the terms. {_MONEY_OF}", "asset"
        ),
        RowMember(
            "unrealised",
            Kind.MONEY,
            f"What the lots are worth at the reference, less their cost. {_MONEY_OF} Or an account of the exchange.",
        ),
    ),
    (USER, _ASSET, date("day", "At the close of this trading day; without it now."), *PAGE),
    {"user": equals("user"), "asset": equals("asset")},
    key=(KeyPart("user", str), KeyPart("asset", str)),
    is_record=False,
)

_BEFORE: Final = ("before_history", "before_position")
"""Place of the close before, of the same user and asset."""
RESULTS: Final = RecordQuery(
    "results",
    "Realised results, a row each trading day, user and instrument.",
    schema.balance_eod,
    (
        RowMember("history", Kind.INTEGER, "Number of the history that the record belongs to."),
        RowMember("position", Kind.INTEGER, "Position of its packet."),
        RowMember("time", Kind.TIME, "Of the day's close."),
        RowMember("trading_day", Kind.TEXT, "Date."),
        RowMember("user", Kind.TEXT, "Whose it is."),
        RowMember("asset", Kind.TEXT, "Symbol of the instrument."),
        RowMember("amount", Kind.AMOUNT, "Lots held.", "asset"),
        RowMember("cost", Kind.MONEY, "Of all lots together."),
        RowMember("result", Kind.MONEY, f"Realised since accounts began. Null: {_UNKNOWN}."),
        RowMember("day_result", Kind.MONEY, f"Realised since the close before. Null: {_UNKNOWN}."),
    ),
    (USER, symbol("Of this instrument alone."), *TIMES, ORDER, *PAGE),
    {"user": equals("user"), "instrument": equals("asset")},
    key=(KeyPart("history"), KeyPart("position"), KeyPart("user", str), KeyPart("asset", str)),
)


def position_statement(asked: Asked, after: Key | None) -> Select[Any]:
    """Return the SELECT of positions behind a key, by user and asset."""
    rows = (_at_close(asked, asked.values["day"]) if "day" in asked.values else _now(asked)).subquery("rows")
    return (
        select(*rows.c)
        .where(
            *filter_clauses(POSITIONS.filters, asked, rows.c),
            behind(key_columns(POSITIONS.key, rows, asked.collation), after, descending=False),
        )
        .order_by(*ordering(key_columns(POSITIONS.key, rows, asked.collation), descending=False))
    )


def result_statement(asked: Asked, after: Key | None) -> Select[Any]:
    """Return the SELECT of results behind a key, in order."""
    day = schema.balance_eod.alias("day")
    before, *place = (
        func.lag(column).over(partition_by=[day.c.user, day.c.asset], order_by=[day.c.history, day.c.position])
        for column in (day.c.result, day.c.history, day.c.position)
    )
    rows = (
        select(
            *day.c,
            (day.c.result - func.coalesce(before, 0)).label("day_result"),
            packet_time(day).label("time"),
            *(each.label(name) for each, name in zip(place, _BEFORE, strict=True)),
        )
        .where(
            visible(schema.balance_eod, asked.viewer, day.c),
            asked.lineage.current(day.c),
            day.c.asset.in_(sorted(asked.viewer.listed)),
        )
        .subquery("rows")
    )
    keys = key_columns(RESULTS.key, rows, asked.collation)
    return (
        select(*rows.c)
        .where(
            *filter_clauses(RESULTS.filters, asked, rows.c),
            *time_clauses(rows.c.time, asked.values),
            behind(keys, after, descending=asked.is_descending),
        )
        .order_by(*ordering(keys, descending=asked.is_descending))
    )


def result_row(row: Mapping[str, Any], lineage: Lineage) -> dict[str, Any]:
    """Return a result as it is told: null, never a wrong number, where a gap may hide a part of it."""
    at = (row["history"], row["position"])
    first, last = (row[name] for name in _BEFORE)
    before = None if first is None else (first, last)
    told = {name: value for name, value in row.items() if name not in _BEFORE}
    if lineage.lacks_some(None, at):
        told["result"] = None
    if lineage.lacks_some(before, at):
        told["day_result"] = None
    return told


def reference_statement(instrument: str, lineage: Lineage, until: Place | None) -> Select[Any]:
    """Return the SELECT of the price of an instrument's last trade, up to a place; None: up to the end."""
    trade = schema.trade
    clauses = [trade.c.instrument == instrument, lineage.current(trade.c), *_up_to(trade.c, until)]
    return select(trade.c.price).where(*clauses).order_by(trade.c.history.desc(), trade.c.trade_id.desc()).limit(1)


def terms_statement(instrument: str, lineage: Lineage, until: Place | None) -> Select[Any]:
    """Return the SELECT of an instrument's terms at a place, JSON; None: now."""
    terms = schema.terms
    clauses = [terms.c.instrument == instrument, lineage.current(terms.c), *_up_to(terms.c, until)]
    newest = (terms.c.history.desc(), terms.c.position.desc(), terms.c.ordinal.desc())
    return select(terms.c.fields).where(*clauses).order_by(*newest).limit(1)


def day_place_statement(day: str, lineage: Lineage) -> Select[Any]:
    """Return the SELECT of the place (history, position) of a trading day's close."""
    eod = schema.balance_eod
    newest = (eod.c.history.desc(), eod.c.position.desc())
    of_day = select(eod.c.history, eod.c.position).where(eod.c.trading_day == day, lineage.current(eod.c))
    return of_day.order_by(*newest).limit(1)


def instruments_of(rows: Collection[Mapping[str, Any]], listing: Listing) -> list[str]:
    """Return the instruments among the assets of rows, each once."""
    return sorted({row["asset"] for row in rows if row["asset"] in listing})


def position_row(
    row: Mapping[str, Any], references: Mapping[str, int], listing: Listing, *, is_incomplete: bool
) -> dict[str, Any]:
    """
    Return a position with its reference and what it would bring; without a reference null, never 0.

    Args:
        row: As the database has it.
        references: By instrument.
        listing: What is listed.
        is_incomplete: Whether the record lacks a part before it. Lots and cost are those of the engine's accounts
            behind that; what was realised within it nobody knows.
    """
    if is_incomplete:
        row = {**row, "result": None}
    listed, reference = listing.get(row["asset"]), references.get(row["asset"]) or None
    if listed is not None and row["user"].startswith("~"):
        return {**row, "reference": reference, "unrealised": None}  # it has no cost that says anything
    if listed is None:
        return {**row, "cost": None, "result": None, "reference": None, "unrealised": None}
    worth = None if reference is None else row["amount"] * reference * listed.tick_value - row["cost"]
    return {**row, "reference": reference, "unrealised": worth}


def _now(asked: Asked) -> Any:
    holding, purse = schema.holding, schema.purse
    lots = select(
        holding.c.user, holding.c.instrument.label("asset"), holding.c.lots.label("amount"), holding.c.cost,
        holding.c.result,
    ).where(visible(holding, asked.viewer))  # fmt: skip
    money = select(
        purse.c.user, purse.c.currency.label("asset"), purse.c.amount, literal(0).label("cost"),
        literal(0).label("result"),
    ).where(visible(purse, asked.viewer))  # fmt: skip
    return union_all(lots, money)


def _at_close(asked: Asked, day: str) -> Any:
    """A day may close more than once, where its plan was changed: the last close counts."""
    eod = schema.balance_eod
    newest = (eod.c.history.desc(), eod.c.position.desc())
    ranked = (
        select(*eod.c, func.row_number().over(partition_by=[eod.c.user, eod.c.asset], order_by=newest).label("rank"))
        .where(visible(eod, asked.viewer), asked.lineage.current(eod.c), eod.c.trading_day == day)
        .subquery()
    )
    row = ranked.c
    return select(row.user, row.asset, row.amount, row.cost, row.result).where(row.rank == 1)


def _up_to(columns: Any, until: Place | None) -> list[Any]:
    if until is None:
        return []
    history, position = until
    return [(columns.history < history) | ((columns.history == history) & (columns.position <= position))]


def reference_of(fields: str | None) -> int:
    """Return the reference price of an instrument's terms, in ticks; 0: there is none."""
    found = json.loads(fields).get("reference", 0) if fields else 0
    return found if isinstance(found, int) else 0
