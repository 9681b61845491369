"""The sums of a deep side: an auction's price found by them is the one that is found level by level."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openoutcry.wire.tick_table import NO_TABLE
from openoutcry.wire.types import PRICE_MAX, OrderKind, TimeInForce
from services.matching import Order, OrderBook
from services.matching.book import book_side
from services.matching.book.auction_price import Lots, Meeting, auction_price, price_of
from services.matching.book.lot_ladder import LotLadder, meeting_of
from services.matching.book.order_book import ALL_LEVELS
from services.matching.book.price_level import PriceLevel
from tests.property.weights import of_any_length
from tests.unit.services.matching.flow import ask, bid

PRICES = st.integers(1, 12) | st.sampled_from(
    [1_022, 1_023, 1_024, 1_025, 2**20 - 1, 2**20, 2**20 + 1, 2**21 + 1_024, PRICE_MAX - 1, PRICE_MAX]
)
"""Near each other, on both sides of a block's end and of a range's, and far away."""
SIDE = of_any_length(st.tuples(PRICES, st.integers(1, 4)), 12).map(lambda rows: sorted(dict(rows).items()))


def ladder(rows: list[Lots]) -> LotLadder:
    return LotLadder(level(price, lots) for price, lots in rows)


def level(price: int, lots: int) -> PriceLevel:
    made = PriceLevel(price)
    made.quantity = lots
    return made


def seen(met: Meeting) -> tuple[Any, ...]:
    """What a price follows from."""
    return met.bid_lots, met.ask_lots, met.last_bid, met.last_ask, met.next_bid, met.next_ask


@given(SIDE, SIDE, st.integers(0, 9), st.integers(0, 9), st.integers(1, 2**21))
@example([(5, 1)], [(9, 1)], 0, 0, 7)  # not crossed
@example([(5, 1), (9, 2)], [], 0, 3, 7)  # more asked without a limit than bid in all
@example([], [(5, 1), (9, 2)], 3, 0, 7)
@settings(max_examples=1_500, deadline=None)
def test_the_lots_meet_where_they_do_level_by_level(
    bids: list[Lots], asks: list[Lots], market_bids: int, market_asks: int, reference: int
) -> None:
    """However few or many, near or far, with orders without a limit or not; whatever trades."""
    best_first = bids[::-1]
    met = meeting_of(ladder(bids), ladder(asks), market_bids, market_asks)
    expected = Meeting(best_first, asks, market_bids, market_asks)
    if min(expected.bid_lots, expected.ask_lots):
        assert seen(met) == seen(expected)
    found = price_of(met, reference, NO_TABLE, PRICE_MAX)
    assert found == auction_price(best_first, asks, market_bids, market_asks, reference)


CHANGES = of_any_length(st.tuples(PRICES, st.integers(0, 4)), 40)


@given(CHANGES, st.integers(1, 5))
def test_the_sums_follow_each_change(changes: list[Lots], together: int) -> None:
    """Levels come, change and go, and are told some at a time."""
    kept, levels = LotLadder([]), dict[int, PriceLevel]()
    for first in range(0, len(changes), together):
        told = {price: level(price, lots) for price, lots in changes[first : first + together]}
        kept.follow(told.values())
        levels = {price: held for price, held in {**levels, **told}.items() if held.quantity}
        kept.check_invariants(levels)
        rows = sorted((price, held.quantity) for price, held in levels.items())
        for price in (0, 7, 1_023, 2**20, PRICE_MAX + 1):
            assert list(kept.after(price, 1)) == [row for row in rows if row[0] > price]
            assert list(kept.after(price, -1)) == [row for row in rows[::-1] if row[0] < price]


@pytest.mark.skipif(not book_side.__file__.endswith(".py"), reason="the compiled core's constants are in its code")
@pytest.mark.parametrize("seed", range(6))
def test_a_deep_book_in_a_call_has_the_price_of_a_shallow_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it grows deep and shallow again, and in the middle of a packet as at its end."""
    monkeypatch.setattr(book_side, "DEEP", 6)
    chance = Random(seed)
    book = OrderBook("ACME")
    book.begin_call()
    seen_deep = 0
    for order_id in range(1, 600):
        grows = order_id % 200 < 110
        if book.orders and chance.random() < (0.2 if grows else 0.8):
            book.cancel(chance.choice(list(book.orders)))
        else:
            made = bid if chance.random() < 0.5 else ask
            book.place(_order(made, order_id, chance), {})
        if chance.random() < 0.3:
            book.take_change()
        bids, asks = _lots(book, 0)[::-1], _lots(book, 1)
        assert book.call is not None
        market = book.call.market_bids.quantity, book.call.market_asks.quantity
        expected = auction_price(bids, asks, *market, 50)
        assert book.indicative(50, levels_max=ALL_LEVELS) == expected
        seen_deep += bool(expected.volume) and (book.bids.is_deep or book.asks.is_deep)
        book.check_invariants()
    assert seen_deep > 100


def _order(made: Any, order_id: int, chance: Random) -> Order:
    """Make an order of a user of its own, since nobody may cross themselves."""
    user, lots = f"u{order_id}", chance.randint(1, 5)
    if chance.random() < 0.1:
        rules = {"kind": OrderKind.MARKET, "time_in_force": TimeInForce.AUCTION}
        return made(order_id, 0, lots, user, **rules)  # type: ignore[no-any-return]
    return made(order_id, chance.randint(30, 70), lots, user)  # type: ignore[no-any-return]


def _lots(book: OrderBook, side: int) -> list[Lots]:
    levels = (book.bids, book.asks)[side].levels
    return sorted((price, held.quantity) for price, held in levels.items())


def test_of_many_levels_only_a_few_are_looked_at() -> None:
    """20,000 levels a side trade: no side is sorted, and the price comes without a look at each of them."""
    book = OrderBook("ACME")
    book.begin_call()
    for n in range(20_000):
        book.place(ask(2 * n + 1, 100_000 + n, 1 + n % 3, f"u{n}"), {})
        book.place(bid(2 * n + 2, 100_000 + n, 1 + n % 5, f"v{n}"), {})
    book.take_change()
    expected = auction_price(_lots(book, 0)[::-1], _lots(book, 1))
    assert book.indicative(levels_max=ALL_LEVELS) == expected
    assert expected.volume > 10_000
    assert book.bids._ranked is book.asks._ranked is None
