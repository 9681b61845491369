"""Levels, the best of them, and their changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.digest import book_digest
from openoutcry.wire.types import QUANTITY_MAX, Side
from services.matching.book import book_side as module
from services.matching.book.book_side import (
    DEAD_KEPT_MAX,
    DEAD_MAX,
    DEEP,
    MANY_LEVELS,
    NO_ASK,
    NO_BID,
    UNASKED_MAX,
    BookSide,
)
from services.matching.book.order import Order
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


@given(
    st.sampled_from(Side),
    st.lists(st.tuples(st.sampled_from(["open", "close", "close", "rank"]), st.integers(1, 30)), max_size=200),
)
def test_a_deep_side_is_right_while_its_heap_is_emptied_into_another(side: Side, steps: list[tuple[str, int]]) -> None:
    """At any moment, and whatever opens, closes or is ranked meanwhile: both heaps count."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (("DEEP", 2), ("DEAD_KEPT_MAX", 3), ("HEAP_SLACK", 2), ("DEAD_MAX", 2)):
            patched.setattr(module, name, value)
        book_side, resting = BookSide(side), dict[int, Order]()
        for order_id, (act, price) in enumerate(steps):
            if act == "rank":
                ranked = [level.price for level in book_side.from_best(price)]
                assert ranked[:price] == book_side.prices(price)
            elif act == "open" and price not in resting:
                resting[price] = Order(order_id, "ann", side, price, 1)
                book_side.append(resting[price])
            elif price in resting:
                book_side.remove(resting.pop(price))
            book_side.check_invariants()


def test_a_deep_sides_dead_entries_are_never_dropped_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 300,000 levels that took 50 ms, in which nobody's order was carried out."""
    monkeypatch.setattr(module, "heapify", None)
    side, count = BookSide(Side.ASK), 3 * DEEP
    orders = [ask(number, number, 1) for number in range(1, count + 1)]
    for order in orders:
        side.append(order)
    dead = []
    for order in orders[1::2] * 3:  # each closes and opens again, behind the best
        side.remove(order)
        side.append(order)
        dead.append(len(side._heap) + len(side._old_heap) - len(side.levels))
    assert max(dead) <= 2 * DEAD_KEPT_MAX
    assert side._moved <= 2 + (count + DEAD_KEPT_MAX + 1) // DEAD_KEPT_MAX
    side.check_invariants()


def test_the_heap_does_not_grow_with_levels_that_are_gone() -> None:
    """A day of quotes opens and closes levels without end; memory must not follow."""
    side = BookSide(Side.ASK)
    side.append(ask(0, 1, 1))
    for order_id in range(1, 10_000):
        order = ask(order_id, 1 + order_id, 1)
        side.append(order)
        side.remove(order)
    side.check_invariants()  # which counts it


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


@given(st.sampled_from(Side), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), max_size=300))
def test_changes_rebuild_the_side_wherever_they_are_cut(side: Side, steps: list[tuple[int, int]]) -> None:
    """Few levels are told one by one and many all at once, and neither may differ from a plain copy of the book."""
    book_side = BookSide(side)
    resting: dict[int, Order] = {}
    heard: dict[int, list[int]] = {}
    for order_id, (action, price) in enumerate(steps):
        if action == 0:
            told = book_side.take_changes()
            assert len({level[0] for level in told}) == len(told)
            assert all(level[1] or level[0] in heard for level in told)
            for level in told:
                heard[level[0]] = list(level)
            heard = {price: level for price, level in heard.items() if level[1]}
            assert sorted(heard.values()) == sorted(book_side.depth())
            assert book_side.told_digest == book_side.digest
        elif action < 6 or price not in resting:
            book_side.append(order := Order(order_id, "ann", side, price, 1 + order_id))
            resting.setdefault(price, order)
        else:
            book_side.remove(resting.pop(price))
        levels = [(level[0], level[1]) for level in book_side.depth()]
        assert book_side.digest == (book_digest(levels, []) if side is Side.BID else book_digest([], levels))
    book_side.check_invariants()


def test_a_level_that_comes_back_before_it_was_told_gone_is_one_change() -> None:
    """Readers hold its old quantity; the first touch keeps its place."""
    side = BookSide(Side.ASK)
    first = ask(1, 100, 5)
    side.append(first)
    side.take_changes()
    side.remove(first)
    side.append(ask(2, 101, 3))
    side.append(ask(3, 100, 4))
    assert side.take_changes() == [[100, 4, 1], [101, 3, 1]]
    assert side.digest == book_digest([], [(100, 4), (101, 3)])


@pytest.mark.parametrize("levels", [1, 2 * MANY_LEVELS])
def test_a_level_of_more_than_32_bits_of_lots_has_the_digest_that_readers_compute(levels: int) -> None:
    """Three orders of the largest quantity are enough; the definition takes quantities modulo 2**32."""
    side = BookSide(Side.ASK)
    for order_id in range(3 * levels):
        side.append(ask(order_id, 100 + order_id % levels, QUANTITY_MAX))
    expected = book_digest([], [(level[0], level[1]) for level in side.depth()])
    assert side.digest == expected
    side.take_changes()
    assert side.told_digest == expected


def test_levels_come_from_the_best_one_on() -> None:
    """As many as are asked for at least, both while they are ranked and when they must be ranked anew."""
    for side, of in ((BookSide(Side.ASK), ask), (BookSide(Side.BID), bid)):
        orders = {n: of(n, 1_000 + 7 * n % 997, 2) for n in range(1, 400)}
        for order in orders.values():
            side.append(order)
        for round_ in range(40):
            expected = side.prices(10)
            assert [level.price for level in side.from_best(10)][:10] == expected
            assert side.lots_of_best(10, expected[3]) == 8
            assert side.lots_of_best(10, expected[-1] + 500 * side._sign) == 20
            side.check_invariants()
            for price in expected[: round_ % 4]:
                side.remove(orders.pop(next(n for n, order in orders.items() if order.price == price)))
        assert len(list(side.from_best(10**6))) == len(orders)
        assert [level.price for level in side.from_best(10**6)] == side.prices()


def test_a_ranking_is_kept_only_while_somebody_asks() -> None:
    """Fill-or-kill is rare: orders of other kinds must not pay for it all day. The answers stay right throughout."""
    side = BookSide(Side.ASK)
    for n in range(1, 201):
        side.append(ask(n, 1_000 + n, 2))
    assert side._ranked is None
    assert next(side.from_best(10)).price == 1_001
    assert side._ranked is not None
    assert len(side._ranked) == 20, "not all of them, however deep the book is"
    for n in range(UNASKED_MAX):
        order = ask(n + 1_000, 900 - n % 100, 1)
        side.append(order)
        side.take_changes()
        if n in (0, 50, 500):
            assert next(side.from_best(10)).price == order.price
            assert len(side._ranked) <= 40
            side.check_invariants()
        side.remove(order)
        side.take_changes()
    assert side._ranked is None
    assert next(side.from_best(10)).price == 1_001
    side.check_invariants()


def test_what_is_dead_in_the_heap_does_not_hold_up_a_ranking() -> None:
    """Levels that open and close behind the best leave entries there: as many as there are levels."""
    side = BookSide(Side.ASK)
    for n in range(2 * DEAD_MAX):
        side.append(ask(n, 10_000 + n, 1))
    side.append(ask(9_998, 1, 1))
    for n in range(DEAD_MAX + 100):
        order = ask(n + 10_000, 5_000 + n, 1)
        side.append(order)
        side.remove(order)
    assert [level.price for level in side.from_best(3)][:3] == [1, 10_000, 10_001]
    assert len(side._heap) == len(side.levels), "they are gone"
    side.check_invariants()
