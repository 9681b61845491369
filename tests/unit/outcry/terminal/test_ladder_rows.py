"""The ladder's rows, what of them is in sight, and how they are written."""

from __future__ import annotations

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import OpenOrder
from openoutcry.wire.types import OrderKind, Side, TimeInForce
from outcry.terminal.ladder_rows import LadderRow, ladder_rows, row_text, widths
from outcry.terminal.ladder_window import SPREAD, step, window

ACME = Instrument("ACME")


def order(order_id: int, side: Side, price: int, remaining: int, trigger: int = 0) -> OpenOrder:
    return OpenOrder(order_id, "", "ACME", side, OrderKind.LIMIT, TimeInForce.GTC, price, remaining, remaining, trigger)


def rows(*prices: int, side: Side = Side.BID) -> list[LadderRow]:
    return [LadderRow(side, price, 1, 0, None) for price in prices]


def test_own_orders_are_at_their_side_and_price_with_the_best_place() -> None:
    mine = [
        order(1, Side.BID, 99, 5),
        order(2, Side.BID, 99, 3),
        order(3, Side.ASK, 99, 4),
        order(4, Side.BID, 98, 9, 97),
    ]
    bids, asks = ladder_rows([(99, 20), (98, 7)], [(101, 6)], mine, {1: 12, 2: 15}.get)
    assert bids == [LadderRow(Side.BID, 99, 20, 8, 12), LadderRow(Side.BID, 98, 7, 0, None)]
    assert asks == [LadderRow(Side.ASK, 101, 6, 0, None)]


def test_bids_stand_left_of_the_price_and_asks_right_of_it_within_the_columns() -> None:
    bid, ask = LadderRow(Side.BID, 9_900, 1_500, 5, 140), LadderRow(Side.ASK, 10_000, 20, 0, None)
    for columns in (28, 60, 120):
        width = widths([bid, ask], columns, ACME)
        texts = [row_text(row, width, ACME, 1_500, is_chosen=row is ask) for row in (bid, ask)]
        assert texts[0].split()[:4] == ["1,500", "99.00", "●5", "≤140"]
        assert texts[1].split()[:3] == ["▸", "100.00", "20"]
        assert max(map(len, texts)) <= columns
        assert bool(width.bar) == (columns > 28)


def test_the_spread_is_in_the_middle_until_the_cursor_leaves_the_sight() -> None:
    bids, asks = rows(*range(99, 79, -1)), rows(*range(101, 121), side=Side.ASK)
    seen = window(bids, asks, 5, None)
    assert [getattr(line, "price", line) for line in seen] == [102, 101, SPREAD, 99, 98]
    assert window(bids, asks, 5, 90)[-1] == bids[9]
    assert window(bids, asks, 5, 110)[0] == asks[9]


def test_a_side_that_lacks_rows_leaves_the_spread_where_it_is() -> None:
    assert window([], rows(101, side=Side.ASK), 5, None) == [None, *rows(101, side=Side.ASK), SPREAD, None, None]


def test_the_cursor_begins_at_the_best_and_ends_at_the_last() -> None:
    bids, asks = rows(99, 97), rows(101, side=Side.ASK)
    assert step(bids, asks, None, 1) == 99
    assert step(bids, asks, 99, -1) == 101
    assert step(bids, asks, 101, -1) == 101
    assert step(bids, asks, 97, 5) == 97
    assert step(bids, asks, 98, 1) == 97, "its level is gone: the next one below"
    assert step(bids, asks, 98, -1) == 99
    assert step([], [], None, 1) is None
