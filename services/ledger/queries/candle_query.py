"""Candles by width: of a minute and more from those of a minute, of less from trades.

A trade belongs to the bucket floor(time / width) in UTC; a day is a trading day, as its closes say, and where there are
none a day of UTC. Open and close are the prices of the least and of the greatest trade id, since many trades have the
same time. Buckets without trades are absent. Values pass 64 bits, so no database multiplies or adds them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, func, select

from openoutcry.wire.account import amount_text
from services.ledger import schema
from services.ledger.queries.iso_time import DAY_US, day_start, day_text
from services.ledger.queries.lineage import Lineage
from services.ledger.queries.listing import ListedInstrument
from services.ledger.queries.member import Kind, RowMember
from services.ledger.queries.parameter import choice, moment, symbol
from services.ledger.queries.problem import bad_request
from services.ledger.queries.record_query import Asked, RecordQuery, equals
from services.ledger.queries.viewer import visible

WIDTHS: Final = {
    "1s": 1_000_000,
    "5s": 5_000_000,
    "15s": 15_000_000,
    "1m": 60_000_000,
    "5m": 300_000_000,
    "15m": 900_000_000,
    "1h": 3_600_000_000,
    "1d": DAY_US,
}
"""µs."""
MINUTE_US: Final = WIDTHS["1m"]
CANDLES_MAX: Final = 5_000
CANDLES_DEFAULT: Final = 500
"""Buckets before `to` if there is no `from`."""
TRADES_MAX: Final = 500_000
"""Trades that are read for candles below a minute."""

CANDLES: Final = RecordQuery(
    "candles",
    f"Candles, the oldest first; at most {CANDLES_MAX:,} buckets. Those without trades are absent.",
    schema.candle_1m,
    (
        RowMember("start", Kind.TIME, "When the bucket begins."),
        RowMember("day", Kind.TEXT, "The trading day, if the width is one; else null."),
        RowMember("open", Kind.PRICE, "Of the first trade, in ticks."),
        RowMember("high", Kind.PRICE, "The highest."),
        RowMember("low", Kind.PRICE, "The lowest."),
        RowMember("close", Kind.PRICE, "Of the last trade."),
        RowMember("volume", Kind.QUANTITY, "Lots traded."),
        RowMember("trades", Kind.INTEGER, "How many."),
        RowMember("value", Kind.TEXT, "Money traded, six decimals."),
        RowMember("first_trade_id", Kind.INTEGER, "Of the first trade."),
        RowMember("last_trade_id", Kind.INTEGER, "Of the last."),
        RowMember("auction", Kind.FLAG, "Whether an auction traded in it."),
        RowMember("complete", Kind.FLAG, "Whether the bucket has ended: no more trades come into it."),
    ),
    (
        symbol("Of this instrument.", required=True),
        choice("width", tuple(WIDTHS), "Of a candle.", required=True, example="1m"),
        moment("from", f"Candles that do not begin before; without it the last {CANDLES_DEFAULT} buckets."),
        moment("to", "Candles that begin before; without it, now."),
    ),
    {"instrument": equals("instrument")},
    is_record=False,
)


class TradeBar(NamedTuple):
    """A candle in the making; prices in ticks, volume in lots, value in ticks times lots."""

    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int
    value: int
    first_trade_id: int
    last_trade_id: int
    auction: bool

    def joined(self, later: TradeBar) -> TradeBar:
        """Return one of both; each has its own trades."""
        first, last = (self, later) if self.first_trade_id < later.first_trade_id else (later, self)
        return TradeBar(
            self.start, first.open, max(self.high, later.high), min(self.low, later.low), last.close,
            self.volume + later.volume, self.trades + later.trades, self.value + later.value, first.first_trade_id,
            last.last_trade_id, self.auction or later.auction,
        )  # fmt: skip


class Span(NamedTuple):
    """Candles of one width that begin within [start, end), µs."""

    width: str
    start: int
    end: int


class DayClose(NamedTuple):
    """A trading day and the time of its close, µs."""

    day: str
    time: int


def span_of(values: Any, now: int) -> Span:
    """
    Return what candles are asked for.

    Raises:
        Problem: If they are too many.
    """
    width = WIDTHS[values["width"]]
    end = values.get("to", now + 1)
    start = values.get("from", max(0, end - CANDLES_DEFAULT * width))
    if -(start - end) // width > CANDLES_MAX:
        text = f"from and to are more than {CANDLES_MAX} candles of {values['width']} apart"
        raise bad_request("from", text, limit=CANDLES_MAX)
    return Span(values["width"], start, end)


def bar_of_trade(start: int, row: Mapping[str, Any]) -> TradeBar:
    """Return the candle of one trade: columns price, quantity, trade_id, auction_id."""
    price, number = row["price"], row["trade_id"]
    return TradeBar(
        start,
        price,
        price,
        price,
        price,
        row["quantity"],
        1,
        price * row["quantity"],
        number,
        number,
        bool(row["auction_id"]),
    )


def bar_of_minute(start: int, row: Mapping[str, Any]) -> TradeBar:
    """Return a stored candle, as a part of one that begins at `start`."""
    return TradeBar(
        start, row["open"], row["high"], row["low"], row["close"], row["volume"], row["trades"], int(row["value"]),
        row["first_trade_id"], row["last_trade_id"], bool(row["auction"]),
    )  # fmt: skip


def folded(bars: Iterable[TradeBar]) -> list[TradeBar]:
    """Join the bars of each start; they come in order of start."""
    found = []
    for _, same in groupby(bars, key=lambda bar: bar.start):
        found.append(reduce(TradeBar.joined, same))
    return found


def bucket(width: str) -> Callable[[int], int]:
    """Return what gives the start of a time's bucket."""
    size = WIDTHS[width]
    return lambda time: time // size * size


def trading_day(closes: Sequence[DayClose]) -> Callable[[int], str]:
    """
    Return what gives the trading day of a minute, by its start; closes in order of time.

    Nothing trades between a day's close and the minute's end, so the minute of a close belongs to the day that closes.
    Where no close follows yet, the day is the date in UTC, or the day after the last that closed.
    """
    times = [close.time for close in closes]

    def day(start: int) -> str:
        index = bisect_left(times, start)
        if index < len(closes):
            return closes[index].day
        date = day_text(start)
        return date if not closes or date > closes[-1].day else day_text(day_start(closes[-1].day) + DAY_US)

    return day


def day_bars(minutes: Iterable[Mapping[str, Any]], closes: Sequence[DayClose]) -> list[tuple[str, TradeBar]]:
    """Return trading days with their candles, which stand at the beginning of the date in UTC; minutes in order."""
    of = trading_day(closes)
    by_day = groupby(minutes, key=lambda row: of(row["start"]))
    return [(day, folded(bar_of_minute(day_start(day), row) for row in rows)[0]) for day, rows in by_day]


def minutes_statement(asked: Asked, start: int, end: int) -> Select[Any]:
    """Return the SELECT of the instrument's candles of a minute that begin within [start, end), in order."""
    rows = schema.candle_1m.alias("rows")
    return (
        select(*rows.c)
        .where(
            visible(schema.candle_1m, asked.viewer, rows.c),
            rows.c.instrument == asked.values["instrument"],
            rows.c.start >= start,
            rows.c.start < end,
        )
        .order_by(rows.c.start)
    )


def trades_statement(asked: Asked, start: int, end: int) -> Select[Any]:
    """Return the SELECT of the instrument's trades within [start, end), by time; one more than may be read."""
    rows = schema.trade.alias("rows")
    return (
        select(rows.c.time, rows.c.price, rows.c.quantity, rows.c.trade_id, rows.c.auction_id)
        .where(
            visible(schema.trade, asked.viewer, rows.c),
            asked.reach(None).current(rows.c),
            rows.c.instrument == asked.values["instrument"],
            rows.c.time >= start,
            rows.c.time < end,
        )
        .order_by(rows.c.time, rows.c.trade_id)
        .limit(TRADES_MAX + 1)
    )


def closes_statement(lineage: Lineage) -> Select[Any]:
    """Return the SELECT of the closes of all trading days: day, time; in order."""
    eod, packet = schema.balance_eod, schema.packet
    days = select(eod.c.trading_day, eod.c.history, eod.c.position).where(lineage.current(eod.c)).distinct().subquery()
    time = select(func.max(packet.c.time)).where(
        packet.c.history == days.c.history, packet.c.position == days.c.position
    )
    return select(days.c.trading_day, time.scalar_subquery().label("time")).order_by(days.c.history, days.c.position)


def candle_row(bar: TradeBar, listed: ListedInstrument, day: str | None, *, is_complete: bool) -> dict[str, Any]:
    """Return a candle as its query's members have it."""
    return bar._asdict() | {
        "instrument": listed.instrument.symbol,
        "day": day,
        "value": amount_text(bar.value * listed.tick_value),
        "complete": is_complete,
    }
