"""Candles of every width equal a naive definition, whatever was traded when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.types import PRICE_MAX, QUANTITY_MAX
from services.ledger.queries.candle_query import (
    CANDLES_MAX,
    MINUTE_US,
    WIDTHS,
    DayClose,
    TradeBar,
    bar_of_minute,
    bar_of_trade,
    bucket,
    day_bars,
    folded,
    span_of,
    trading_day,
)
from services.ledger.queries.iso_time import DAY_US, day_start, day_text
from services.ledger.queries.problem import Problem

START = day_start("2026-11-20")
TRADES = st.lists(
    st.tuples(
        st.integers(0, 3 * DAY_US // 1_000_000).map(lambda seconds: seconds * 1_000_000),
        st.integers(1, PRICE_MAX),
        st.integers(1, QUANTITY_MAX),
        st.integers(0, 2),
    ),
    max_size=40,
)


def trades(drawn: list[tuple[int, int, int, int]]) -> list[dict[str, Any]]:
    """Numbered in order of time: many have the same."""
    return [
        {"time": START + time, "price": price, "quantity": lots, "auction_id": auction, "trade_id": number}
        for number, (time, price, lots, auction) in enumerate(sorted(drawn, key=lambda each: each[0]), 1)
    ]


def naive(rows: list[dict[str, Any]], width: int) -> list[TradeBar]:
    """By the definition, a bucket at a time."""
    found = []
    for start in sorted({row["time"] // width * width for row in rows}):
        own = [row for row in rows if start <= row["time"] < start + width]
        first, last = min(own, key=lambda row: row["trade_id"]), max(own, key=lambda row: row["trade_id"])
        prices = [row["price"] for row in own]
        found.append(
            TradeBar(
                start, first["price"], max(prices), min(prices), last["price"], sum(row["quantity"] for row in own),
                len(own), sum(row["price"] * row["quantity"] for row in own), first["trade_id"], last["trade_id"],
                any(row["auction_id"] for row in own),
            )
        )  # fmt: skip
    return found


def minutes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As they are stored: values as text, since they pass 64 bits."""
    return [{**bar._asdict(), "value": str(bar.value)} for bar in naive(rows, MINUTE_US)]


@given(TRADES, st.sampled_from(list(WIDTHS)))
def test_candles_equal_the_definition(drawn: list[tuple[int, int, int, int]], width: str) -> None:
    rows = trades(drawn)
    into, expected = bucket(width), naive(rows, WIDTHS[width])
    assert folded(bar_of_trade(into(row["time"]), row) for row in rows) == expected
    if WIDTHS[width] >= MINUTE_US:
        assert folded(bar_of_minute(into(row["start"]), row) for row in minutes(rows)) == expected


@given(TRADES)
def test_days_without_closes_are_those_of_utc(drawn: list[tuple[int, int, int, int]]) -> None:
    rows = trades(drawn)
    assert [bar for _, bar in day_bars(minutes(rows), [])] == naive(rows, DAY_US)


@given(TRADES, st.integers(0, 23), st.integers(0, 59))
def test_days_end_with_their_close(drawn: list[tuple[int, int, int, int]], hour: int, minute: int) -> None:
    """What trades in the minute of a close, before it, belongs to the day that closes; after it nothing trades."""
    after = (hour * 60 + minute) * MINUTE_US
    dates = [START + number * DAY_US for number in range(4)]
    closes = [DayClose(day_text(date), date + after) for date in dates]
    closing = {close.time // MINUTE_US for close in closes}
    open_ = [row for row in trades(drawn) if row["time"] // MINUTE_US not in closing]
    expected: dict[str, int] = {}
    for row in open_:
        day = next((close.day for close in closes if row["time"] <= close.time), None)
        expected[day or day_text(day_start(closes[-1].day) + DAY_US)] = expected.get(day or "", 0)
    found = day_bars(minutes(open_), closes)
    assert [day for day, _ in found] == sorted(expected)
    assert sum(bar.trades for _, bar in found) == len(open_)


def test_after_the_last_close_comes_the_next_day() -> None:
    """A venue may open on the date in UTC before its day's label."""
    day = trading_day([DayClose("2026-11-20", START + 21 * 3_600_000_000)])
    assert day(START) == day(START + 21 * 3_600_000_000) == "2026-11-20"
    assert day(START + 22 * 3_600_000_000) == "2026-11-21"
    assert day(START + 5 * DAY_US) == "2026-11-25"


@given(st.sampled_from(list(WIDTHS)), st.integers(0, 2**50), st.integers(0, 2**50))
def test_never_more_candles_than_there_may_be(width: str, start: int, length: int) -> None:
    values = {"width": width, "from": start, "to": start + length}
    if -(-length // WIDTHS[width]) <= CANDLES_MAX:
        assert span_of(values, 0) == (width, start, start + length)
    else:
        with pytest.raises(Problem, match="more than 5000 candles"):
            span_of(values, 0)
