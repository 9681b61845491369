"""Levels, the best of them, and their changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.matching.book_side import HEAP_SLACK, NO_ASK, NO_BID, BookSide
from services.matching.order import Order
from shared.digest import book_digest
from shared.types import Side
from tests.unit.services.matching.flow import ask, bid


def test_best_is_highest_bid_and_lowest_ask() -> None:
    """Price priority, once for each side."""
    bids, asks = BookSide(Side.BID), BookSide(Side.ASK)
    assert (bids.best_price, asks.best_price) == (NO_BID, NO_ASK)
    for order_id, price in enumerate((100, 102, 101)):
        bids.append(bid(order_id, price, 1))
        asks.append(ask(order_id, price, 1))
    assert (bids.best_price, asks.best_price) == (102, 100)
    assert bids.prices() == [102, 101, 100]
    assert asks.prices(2) == [100, 101]


@given(st.sampled_from(Side), st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=200))
def test_best_stays_right_as_levels_come_and_go(side: Side, steps: list[tuple[bool, int]]) -> None:
    """The heap holds dead prices; they must never show."""
    book_side = BookSide(side)
    resting: dict[int, Order] = {}
    for order_id, (adds, price) in enumerate(steps):
        if adds and price not in resting:
            resting[price] = Order(order_id, "ann", side, price, 1)
            book_side.append(resting[price])
        elif price in resting:
            book_side.remove(resting.pop(price))
        book_side.check_invariants()


def test_the_heap_does_not_grow_with_levels_that_are_gone() -> None:
    """A day of quotes opens and closes levels without end; memory must not follow."""
    side = BookSide(Side.ASK)
    side.append(ask(0, 1, 1))
    for order_id in range(1, 10_000):
        order = ask(order_id, 1 + order_id, 1)
        side.append(order)
        side.remove(order)
    assert len(side._heap) <= 2 * len(side.levels) + HEAP_SLACK + 1
    side.check_invariants()


def test_changes_name_each_touched_level_once_with_its_last_state() -> None:
    """A busy level is one line of a packet, however often it changed."""
    side = BookSide(Side.ASK)
    first, second = ask(1, 100, 5), ask(2, 100, 7)
    side.append(first)
    side.append(second)
    assert side.take_changes() == [[100, 12, 2]]
    side.remove(first)
    side.append(ask(3, 101, 1))
    assert side.take_changes() == [[100, 7, 1], [101, 1, 1]]
    side.reduce(second, 2)
    assert side.take_changes() == [[100, 2, 1]]
    side.remove(second)
    assert side.take_changes() == [[100, 0, 0]]
    assert side.take_changes() == []


def test_a_level_that_came_and_went_is_no_news() -> None:
    """Readers never heard of it."""
    side = BookSide(Side.BID)
    order = bid(1, 100, 5)
    side.append(order)
    side.remove(order)
    assert side.take_changes() == []
    assert side.digest == 0


def test_the_digest_is_right_before_and_after_changes_are_taken() -> None:
    """It is computed lazily, and nobody may notice."""
    side = BookSide(Side.ASK)
    for order_id in range(5):
        side.append(ask(order_id, 100 + order_id, 3))
        expected = book_digest([], [(level[0], level[1]) for level in side.depth()])
        assert side.digest == expected
        if order_id % 2:
            side.take_changes()
        assert side.digest == expected
