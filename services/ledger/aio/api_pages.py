"""Paths that answer with JSON: pages of records, orders, positions, results, candles, instruments, books, ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Select

from services.ledger.aio.api_reading import LedgerRead, Row
from services.ledger.aio.ledger_api import BOOK_S, BookRequest, LedgerApi, asked, listed_for
from services.ledger.aio.proof_store import record_name, signed_head
from services.ledger.queries import candle_query, order_query, position_query
from services.ledger.queries.candle_query import CANDLES, MINUTE_US, WIDTHS, DayClose
from services.ledger.queries.iso_time import DAY_US, time_text
from services.ledger.queries.lineage import AsOf, Place
from services.ledger.queries.listing import ListedInstrument
from services.ledger.queries.member import render, render_all, shape_for
from services.ledger.queries.order_query import ORDERS
from services.ledger.queries.page_cursor import query_hash, read_cursor, write_cursor
from services.ledger.queries.parameter import CURSOR, LIMIT, PAGE
from services.ledger.queries.path_document import BOOK_PARAMETERS, ORDER_ID, SYMBOL, documented
from services.ledger.queries.position_query import POSITIONS, RESULTS
from services.ledger.queries.problem import Problem, bad_request, not_found, unavailable
from services.ledger.queries.record_catalogue import PAGED, TRADES
from services.ledger.queries.record_query import Asked, RecordQuery, record_statement
from services.ledger.queries.viewer import ENGINE_READERS, viewer_of
from shared.identity import Identity

Finish = Callable[[LedgerRead, Asked, list[Row]], Sequence[Mapping[str, Any]]]
"""Adds to a page's rows what other tables know."""
StatementOf = Callable[[Asked, Any], Select[Any]]


def router(api: LedgerApi) -> APIRouter:
    """Return the paths."""
    found = APIRouter()
    pages: list[tuple[RecordQuery, StatementOf, Finish]] = [
        (query, _statement_of(query), _as_they_are) for query in PAGED
    ]
    pages.append((ORDERS, order_query.order_statement, _finish_orders))
    pages.append((POSITIONS, position_query.position_statement, finish_positions))
    pages.append((RESULTS, position_query.result_statement, _finish_results))
    for query, statement_of, finish in pages:
        found.add_api_route(f"/v1/{query.path}", _page(api, query, statement_of, finish), **documented(query.path))
    single = {
        "orders/{order_id}": _order,
        "candles": _candles,
        "instruments": _instruments,
        "instruments/{symbol}": _instrument,
        "books/{symbol}": _book,
        "ledger": _ledger,
    }
    for path, make in single.items():
        found.add_api_route(f"/v1/{path}", make(api), **documented(path))
    return found


def _statement_of(query: RecordQuery) -> StatementOf:
    return lambda asked, after: record_statement(query, asked, after)


def _page(api: LedgerApi, query: RecordQuery, statement_of: StatementOf, finish: Finish) -> Callable[[Request], Any]:
    async def page(request: Request) -> Response:
        identity, values = api.admit(request, query.parameters, query.readers)

        def work(read: LedgerRead, _as_of: AsOf) -> dict[str, Any]:
            found = asked(read, identity, values)
            if query is TRADES and "instrument" in values:
                listed_for(read, found, values["instrument"])
            return _page_body(read, query, found, identity, statement_of, finish)

        return await api.answer(request, work)

    return page


def _page_body(
    read: LedgerRead, query: RecordQuery, found: Asked, identity: Identity, statement_of: StatementOf, finish: Finish
) -> dict[str, Any]:
    values = found.values
    limit = values.get(LIMIT.name, LIMIT.schema["default"])
    same = query_hash(query.path, identity.user, values)
    after = None
    if CURSOR.name in values:
        after = read_cursor(values[CURSOR.name], same, [part.kind for part in query.key])
    rows = read.rows(statement_of(found, after).limit(limit + 1))
    is_more, rows = len(rows) > limit, rows[:limit]
    key = [part.read(rows[-1]) for part in query.key] if is_more else None
    shape = shape_for(query.shape, sees_all=found.viewer.sees_all)
    body = {
        "incomplete": (query.is_record or query is POSITIONS) and _lacks_some(read, query, found, after, key),
        "rows": render_all(shape, finish(read, found, rows), read.listing),
        "next": None if key is None else write_cursor(same, key),
    }
    if "day" in values and not rows and after is None:
        _check_day(read, values["day"])
    return body


def _lacks_some(read: LedgerRead, query: RecordQuery, found: Asked, after: Any, key: Any) -> bool:
    """What becomes of an order is told later, so all that came since then counts; of a result all before it."""
    if query is POSITIONS:
        return lacks_results(read, found)
    first, last = _place_of(after), None if query is ORDERS else _place_of(key)
    if found.is_descending:
        first, last = (None if query is ORDERS else _place_of(key)), _place_of(after)
    if query is RESULTS:
        return read.lineage.lacks_some(None, last, None, found.values.get("to"))
    return read.lineage.lacks_some(first, last, found.values.get("from"), found.values.get("to"))


def _place_of(key: Any) -> Place | None:
    return None if key is None else (key[0], key[1])


def _as_they_are(_read: LedgerRead, _found: Asked, rows: list[Row]) -> list[Row]:
    return rows


# -- orders -----------------------------------------------------------------------------------------------------------


def _finish_orders(read: LedgerRead, found: Asked, rows: list[Row]) -> list[dict[str, Any]]:
    if not rows:
        return []
    order_ids = [row["order_id"] for row in rows]
    latest = read.rows(order_query.latest_statement(order_ids, found.viewer, read.lineage))
    by_id = {row["order_id"]: row for row in latest}
    return [order_query.order_row(row, by_id[row["order_id"]]) for row in rows]


def _order(api: LedgerApi) -> Callable[[Request], Any]:
    async def order(request: Request) -> Response:
        identity, values = api.admit(request, (ORDER_ID,))
        order_id = values.pop("order_id")

        def work(read: LedgerRead, _as_of: AsOf) -> dict[str, Any]:
            found = asked(read, identity, values)
            rows = read.rows(order_query.order_statement(found, None, order_id).limit(1))
            if not rows:
                raise not_found("unknown_order", "order_id", f"you have no order {order_id}")
            [row] = _finish_orders(read, found, rows)
            lacks_some = read.lineage.lacks_some((row["history"], row["position"]), None)
            return {"incomplete": lacks_some, "order": render(ORDERS.shape, row, read.listing)}

        return await api.answer(request, work)

    return order


# -- positions --------------------------------------------------------------------------------------------------------


def finish_positions(read: LedgerRead, found: Asked, rows: list[Row]) -> list[dict[str, Any]]:
    """Return positions with their references."""
    until = _asked_close(read, found)
    is_incomplete = read.lineage.lacks_some(None, until)
    references = {
        instrument: _reference(read, instrument, until)
        for instrument in position_query.instruments_of(rows, read.listing)
    }
    return [position_query.position_row(row, references, read.listing, is_incomplete=is_incomplete) for row in rows]


def lacks_results(read: LedgerRead, found: Asked) -> bool:
    """Tell whether the record lacks a part before the moment of the positions that are asked for."""
    return read.lineage.lacks_some(None, _asked_close(read, found))


def _asked_close(read: LedgerRead, found: Asked) -> Place | None:
    """Return the place of the close that is asked for; None: now, or there is none of that day."""
    if "day" not in found.values:
        return None
    place = read.rows(position_query.day_place_statement(found.values["day"], read.lineage))
    return (place[0]["history"], place[0]["position"]) if place else None


def _finish_results(read: LedgerRead, _found: Asked, rows: list[Row]) -> list[dict[str, Any]]:
    return [position_query.result_row(row, read.lineage) for row in rows]


def _reference(read: LedgerRead, instrument: str, until: Place | None) -> int:
    """Return the last trade's price, else the terms' reference; 0: there is none."""
    price = read.value(position_query.reference_statement(instrument, read.lineage, until))
    if price is not None:
        return int(price)
    fields = read.value(position_query.terms_statement(instrument, read.lineage, until))
    return position_query.reference_of(fields)


def _check_day(read: LedgerRead, day: str) -> None:
    if not read.rows(position_query.day_place_statement(day, read.lineage)):
        raise not_found("unknown_day", "day", f"the ledger has no close of {day}")


# -- candles ----------------------------------------------------------------------------------------------------------


def _candles(api: LedgerApi) -> Callable[[Request], Any]:
    async def candles(request: Request) -> Response:
        identity, values = api.admit(request, CANDLES.parameters)

        def work(read: LedgerRead, as_of: AsOf) -> dict[str, Any]:
            found = asked(read, identity, values)
            listed = listed_for(read, found, values["instrument"])
            span = candle_query.span_of(values, as_of.time)
            rows = _candle_rows(read, found, span, listed, as_of.time)
            lacks_some = read.lineage.lacks_some(None, None, span.start, span.end)
            return {"incomplete": lacks_some, "rows": render_all(CANDLES.shape, rows, read.listing)}

        return await api.answer(request, work)

    return candles


def _candle_rows(
    read: LedgerRead, found: Asked, span: candle_query.Span, listed: ListedInstrument, now: int
) -> list[dict[str, Any]]:
    """`now` is the time up to which the record goes."""
    width = WIDTHS[span.width]
    if span.width == "1d":
        return _day_rows(read, found, span, listed, now)
    start, end = -(-span.start // width) * width, -(-span.end // width) * width
    into = candle_query.bucket(span.width)
    if width >= MINUTE_US:
        rows = _minutes(read, found, start, end)
        bars = candle_query.folded(candle_query.bar_of_minute(into(row["start"]), row) for row in rows)
    else:
        bars = _bars_of_trades(read, found, start, end, into)
    return [candle_query.candle_row(bar, listed, None, is_complete=now >= bar.start + width) for bar in bars]


def _day_rows(
    read: LedgerRead, found: Asked, span: candle_query.Span, listed: ListedInstrument, now: int
) -> list[dict[str, Any]]:
    """A trading day may begin on the date before, and end on the one after."""
    closes = day_closes(read)
    closed = {close.day for close in closes}
    minutes = _minutes(read, found, span.start - DAY_US, span.end + DAY_US)
    return [
        candle_query.candle_row(
            bar, listed, day, is_complete=day in closed or (not closes and now >= bar.start + DAY_US)
        )
        for day, bar in candle_query.day_bars(minutes, closes)
        if span.start <= bar.start < span.end
    ]


def day_closes(read: LedgerRead) -> list[DayClose]:
    """Return when each trading day closed, in order."""
    return [DayClose(*row.values()) for row in read.rows(candle_query.closes_statement(read.lineage))]


def _minutes(read: LedgerRead, found: Asked, start: int, end: int) -> list[Row]:
    return read.rows(candle_query.minutes_statement(found, start, end))


def _bars_of_trades(
    read: LedgerRead, found: Asked, start: int, end: int, into: Callable[[int], int]
) -> list[candle_query.TradeBar]:
    statement = candle_query.trades_statement(found._replace(bounds=read.bounds(start, end)), start, end)

    def counted() -> Any:
        for number, row in enumerate(read.stream(statement)):
            if number >= candle_query.TRADES_MAX:
                text = f"there are more than {candle_query.TRADES_MAX:,} trades; ask for less, or for a width of 1m"
                raise bad_request("from", text, limit=candle_query.TRADES_MAX)
            yield candle_query.bar_of_trade(into(row["time"]), row)

    return candle_query.folded(counted())


# -- instruments ------------------------------------------------------------------------------------------------------


def _instruments(api: LedgerApi) -> Callable[[Request], Any]:
    async def instruments(request: Request) -> Response:
        identity, values = api.admit(request, PAGE)
        same = query_hash("instruments", identity.user, values)

        def work(read: LedgerRead, _as_of: AsOf) -> dict[str, Any]:
            after = read_cursor(values[CURSOR.name], same, [str])[0] if CURSOR.name in values else ""
            entitled = viewer_of(identity, read.listing.keys()).instruments
            symbols = [
                symbol for symbol in read.listing if symbol > str(after) and (entitled is None or symbol in entitled)
            ]
            limit = values.get(LIMIT.name, LIMIT.schema["default"])
            page = symbols[:limit]
            return {
                "incomplete": False,
                "rows": [_definition(read.listing[symbol]) for symbol in page],
                "next": write_cursor(same, [page[-1]]) if len(symbols) > limit else None,
            }

        return await api.answer(request, work)

    return instruments


def _instrument(api: LedgerApi) -> Callable[[Request], Any]:
    async def instrument(request: Request) -> Response:
        identity, values = api.admit(request, (SYMBOL,))

        def work(read: LedgerRead, _as_of: AsOf) -> dict[str, Any]:
            listed = listed_for(read, asked(read, identity, values), values["symbol"], "symbol")
            return {"incomplete": False, "instrument": _definition(listed)}

        return await api.answer(request, work)

    return instrument


def _definition(listed: ListedInstrument) -> dict[str, Any]:
    return {**listed.instrument._asdict(), "history": listed.history, "position": listed.position}


# -- books of the past ------------------------------------------------------------------------------------------------


def _book(api: LedgerApi) -> Callable[[Request], Any]:
    async def book(request: Request) -> Response:
        identity, values = api.admit(request, BOOK_PARAMETERS, ENGINE_READERS)
        if ("at" in values) == ("position" in values):
            raise bad_request("at", "give either at or position")
        wanted = BookRequest(values["symbol"], values.get("at"), values.get("position"), values.get("depth", 10))

        def look() -> AsOf:
            with api.database.read() as read:
                listed_for(read, asked(read, identity, values), wanted.instrument, "symbol")
                return api.fresh(read)

        as_of = await api.in_thread(look)
        if api.book_maker is None:
            text = "this ledger has no engine beside it that could make books of the past: outcry book does it"
            raise Problem(HTTPStatus.NOT_IMPLEMENTED, "not_implemented", text)
        with api.books.taken():
            try:
                async with asyncio.timeout(BOOK_S):
                    made = await api.book_maker(wanted)
            except TimeoutError as error:
                raise unavailable("timeout", f"the book was not made within {BOOK_S:g} s", int(BOOK_S)) from error
        return JSONResponse({"as_of": as_of.body(), "incomplete": False, "book": dict(made)})

    return book


# -- the ledger itself ------------------------------------------------------------------------------------------------


def _ledger(api: LedgerApi) -> Callable[[Request], Any]:
    async def ledger(request: Request) -> Response:
        api.admit(request, ())

        def work() -> Response:
            with api.database.read() as read:
                if read.as_of is None:
                    api.fresh(read)
                assert read.as_of is not None
                return JSONResponse({"as_of": read.as_of.body(), **_ledger_body(read, read.as_of)})

        return await api.in_thread(work)

    return ledger


def _ledger_body(read: LedgerRead, as_of: AsOf) -> dict[str, Any]:
    head = signed_head(read.connection, *record_name(read.connection), as_of.block)
    return {
        "incomplete": bool(read.lineage.gaps),
        "history": as_of.history,
        "block": as_of.block,
        "chain": as_of.chain.hex(),
        "lag_s": max(0.0, round(time.time() - as_of.time / 1e6, 3)),
        "gaps": [
            {"history": gap.history, "above": gap.above, "up_to": gap.up_to, "why": gap.why}
            | {
                "after": time_text(gap.after_time),
                "before": None if gap.before_time is None else time_text(gap.before_time),
            }
            for gap in read.lineage.gaps
        ],
        "head": None if head is None else head.members(),
    }
