"""The rules of matching, one by one; tests/property proves them in all combinations."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from openoutcry.wire.digest import book_digest
from openoutcry.wire.types import QUANTITY_MAX, Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import BookRefusal, Cancelled, Fill, Order, OrderBook, Replaced
from services.matching.book.order_book import ORDERS_MET_MAX
from tests.unit.services.matching.flow import ask, bid


@pytest.fixture
def book() -> OrderBook:
    """Asks 100 x 5 (order 1), 100 x 5 (2) and 101 x 10 (3), all ann's."""
    book = OrderBook("ACME")
    for order in (ask(1, 100, 5), ask(2, 100, 5), ask(3, 101, 10)):
        book.place(order)
    book.take_change()
    return book


def fills(events: list[object]) -> list[tuple[int, int, int]]:
    return [(event.maker.order_id, event.price, event.quantity) for event in events if isinstance(event, Fill)]


def test_the_example_of_the_module_works() -> None:
    """A newcomer copies it."""
    book = OrderBook("ACME")
    assert book.place(Order(1, "ann", Side.ASK, price=101, quantity=5)) == []
    [fill] = book.place(Order(2, "bob", Side.BID, price=102, quantity=3))
    assert isinstance(fill, Fill)
    assert (fill.price, fill.quantity, fill.maker_remaining, fill.taker_remaining) == (101, 3, 2, 0)


def test_trades_best_price_first_then_first_come(book: OrderBook) -> None:
    """Price-time priority, and the maker's price."""
    assert fills(book.place(bid(4, 101, 12))) == [(1, 100, 5), (2, 100, 5), (3, 101, 2)]
    assert book.asks.depth() == [[101, 8, 1]]
    assert book.trade_id == 3


def test_what_is_not_filled_waits(book: OrderBook) -> None:
    """A limit order good till cancelled takes what it can and rests."""
    order = bid(4, 100, 12)
    book.place(order)
    assert order.remaining == 2
    assert book.bids.depth() == [[100, 2, 1]]
    assert order.order_id in book.orders


def test_a_market_order_never_rests(book: OrderBook) -> None:
    """It takes whatever there is, at any price, and ends."""
    order = bid(4, 0, 25, kind=OrderKind.MARKET)
    *traded, last = book.place(order)
    assert fills(traded) == [(1, 100, 5), (2, 100, 5), (3, 101, 10)]
    assert last == Cancelled(order, Code.NO_LIQUIDITY)
    assert order.remaining == 5
    assert not book.orders
    sell = ask(5, 0, 1, kind=OrderKind.MARKET)
    assert book.place(sell) == [Cancelled(sell, Code.NO_LIQUIDITY)]


def test_immediate_or_cancel_never_rests(book: OrderBook) -> None:
    """It takes what crosses now."""
    order = bid(4, 100, 12, time_in_force=TimeInForce.IOC)
    assert book.place(order)[-1] == Cancelled(order, Code.NO_LIQUIDITY)
    assert order.remaining == 2
    assert not book.bids.levels


@pytest.mark.parametrize(("price", "quantity", "filled"), [(101, 20, True), (101, 21, False), (100, 11, False)])
def test_fill_or_kill_is_all_or_nothing(book: OrderBook, price: int, quantity: int, filled: bool) -> None:
    """A killed order leaves no trace."""
    order = bid(4, price, quantity, time_in_force=TimeInForce.FOK)
    before = book.seq
    events = book.place(order)
    if filled:
        assert sum(quantity for _, _, quantity in fills(events)) == quantity
    else:
        assert events == [Cancelled(order, Code.NOT_FILLABLE)]
        assert book.seq == before


class _Shy(dict[int, Any]):
    """Levels that may be looked up and not gone through."""

    def items(self) -> Any:
        raise AssertionError("went through all levels")

    values = __iter__ = items


@pytest.mark.parametrize("own", [{}, None])
@pytest.mark.parametrize(
    ("price", "quantity", "filled"),
    [
        (9_999, 1, False),
        (20_100, 1, True),
        (20_100, 10_001, False),
        (15_000, 5_002, False),
        (10_003, 4, True),
        (20_100, ORDERS_MET_MAX, True),
        (20_100, ORDERS_MET_MAX + 1, False),
    ],
)
def test_fill_or_kill_does_not_walk_through_a_deep_book(
    own: dict[int, Order] | None, price: int, quantity: int, *, filled: bool
) -> None:
    """Over 10,000 levels it cost 1.8 ms though nothing came of it, which any user may ask for 50 times a second."""
    book = OrderBook("ACME")
    for n in range(10_000):
        book.place(ask(n + 1, 10_000 + n, 1))
    assert book.place(bid(10_001, 20_000, 10_001, time_in_force=TimeInForce.FOK))[0].reason is Code.NOT_FILLABLE
    book.take_change()
    book.asks.levels = _Shy(book.asks.levels)
    order = bid(10_002, price, quantity, time_in_force=TimeInForce.FOK)
    if own is not None:
        book.orders = _Shy(book.orders)  # whoever names own orders needs none looked for
    events = book.place(order, own)
    assert (order.remaining == 0) is filled, events
    assert len(events) == (quantity if filled else 1)


def _asks(count: int, user: str = "ann", levels: int = 10**9) -> OrderBook:
    book = OrderBook("ACME")
    for n in range(count):
        book.place(ask(n + 1, 100 + n % levels, 1, user))
    return book


def _buys(order_id: int, lots: int, **rules: Any) -> Order:
    return bid(order_id, 10_000, lots, "bob", **rules)


@pytest.mark.parametrize("levels", [1, 10**9])
@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.IOC])
def test_one_order_meets_so_many_and_no_more(levels: int, time_in_force: TimeInForce) -> None:
    """It met 10,000, and everybody waited for 200 ms. What is left of it ends, since it may not rest crossed."""
    book = _asks(ORDERS_MET_MAX + 1, levels=levels)
    order = _buys(1_000, ORDERS_MET_MAX + 5, time_in_force=time_in_force)
    *traded, last = book.place(order)
    assert len(fills(traded)) == ORDERS_MET_MAX
    assert last == Cancelled(order, Code.TOO_MANY_MET)
    assert (order.remaining, len(book.orders), book.bids.levels) == (5, 1, {})
    book.check_invariants()


def test_an_order_that_needs_no_more_rests_or_is_filled() -> None:
    """The limit is on what is met, so exactly as many end nothing."""
    book = _asks(4)
    assert [type(event) for event in book.place(_buys(9, 6), met_max=4)] == [Fill] * 4
    assert book.bids.depth() == [[10_000, 2, 1]]
    assert [type(event) for event in _asks(4).place(_buys(9, 3), met_max=3)] == [Fill] * 3


@pytest.mark.parametrize(("lots", "met_max", "filled"), [(4, 4, True), (5, 4, False), (5, 5, True)])
@pytest.mark.parametrize("levels", [1, 2, 10**9])
def test_fill_or_kill_that_would_meet_more_is_not_fillable(
    levels: int, lots: int, met_max: int, *, filled: bool
) -> None:
    """Whole or not at all: a part of it may not be left."""
    book = _asks(6, levels=levels)
    order = _buys(9, lots, time_in_force=TimeInForce.FOK)
    events = book.place(order, met_max=met_max)
    assert [type(event) for event in events] == ([Fill] * lots if filled else [Cancelled])
    assert filled or events == [Cancelled(order, Code.NOT_FILLABLE)]


def test_the_first_fill_or_kill_costs_no_more_in_a_deeper_book() -> None:
    """It summed up every level when nobody had asked for long: 70 ms over 100,000 of them, and everybody waited."""

    def first_us(levels: int) -> float:
        book, taken = _asks(levels), []
        for n in range(5):
            order = _buys(10**9 + n, levels + 1, time_in_force=TimeInForce.FOK)
            book.asks._ranked = None
            began = time.perf_counter()
            assert book.place(order, {})[-1].reason is Code.NOT_FILLABLE
            taken.append(time.perf_counter() - began)
        return min(taken) * 1e6

    assert first_us(40_000) < 4 * first_us(2_000)


@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.FOK])
def test_own_orders_that_give_way_count_as_met(time_in_force: TimeInForce) -> None:
    """To remove one costs as much as to trade with it."""
    book = _asks(3, "bob")
    book.place(ask(4, 200, 1, "ann"))
    book.place(ask(5, 200, 1, "ann"))
    rules = {"time_in_force": time_in_force, "self_trade_prevention": SelfTradePrevention.CANCEL_OLDEST}
    order = _buys(9, 2, **rules)
    events = book.place(order, met_max=4)
    if time_in_force is TimeInForce.FOK:
        assert events == [Cancelled(order, Code.NOT_FILLABLE)]
    else:
        assert [event.order.order_id for event in events[:3]] == [1, 2, 3]
        assert [type(event) for event in events[3:]] == [Fill, Cancelled]
        assert events[-1] == Cancelled(order, Code.TOO_MANY_MET)
    assert [type(event) for event in book.place(_buys(10, 1, **rules), met_max=4)][-1:] == [Fill]


def test_a_replaced_order_that_would_meet_more_ends() -> None:
    """It arrives anew, and costs as much as one that is new."""
    book = _asks(3)
    book.place(bid(9, 1, 5, "bob"))
    *_, last = book.replace(9, price=10_000, met_max=2)
    assert last.reason is Code.TOO_MANY_MET
    assert (last.order.remaining, list(book.orders)) == (3, [3])
    book.check_invariants()


def test_post_only_rests_or_is_refused(book: OrderBook) -> None:
    """It promises its owner to be a maker."""
    crossing = bid(4, 100, 1, post_only=True)
    assert book.place(crossing) == [BookRefusal(crossing, Code.WOULD_TRADE)]
    assert book.place(bid(5, 99, 1, post_only=True)) == []


def test_cancel_newest_ends_the_arriving_order(book: OrderBook) -> None:
    """What it traded before it met its own user's order stands."""
    book.place(ask(4, 99, 2, user="cat"))
    order = bid(5, 100, 5, user="ann")
    *traded, last = book.place(order)
    assert fills(traded) == [(4, 99, 2)]
    assert last == Cancelled(order, Code.SELF_TRADE)
    assert list(book.orders) == [1, 2, 3]


def test_cancel_oldest_ends_the_resting_orders(book: OrderBook) -> None:
    """The arriving order goes on through its own user's, and may rest."""
    order = bid(4, 100, 5, user="ann", self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST)
    events = book.place(order)
    assert [(event.order.order_id, event.reason) for event in events if isinstance(event, Cancelled)] == [
        (1, Code.SELF_TRADE),
        (2, Code.SELF_TRADE),
    ]
    assert book.bids.depth() == [[100, 5, 1]]


def test_cancel_both_ends_one_of_each(book: OrderBook) -> None:
    """The first own order met and the arriving one."""
    order = bid(4, 100, 5, user="ann", self_trade_prevention=SelfTradePrevention.CANCEL_BOTH)
    assert [event.order.order_id for event in book.place(order) if isinstance(event, Cancelled)] == [1, 4]
    assert list(book.orders) == [2, 3]


@pytest.mark.parametrize(
    ("prevention", "quantity", "filled"),
    [
        (SelfTradePrevention.CANCEL_OLDEST, 8, True),
        (SelfTradePrevention.CANCEL_OLDEST, 9, False),
        (SelfTradePrevention.CANCEL_NEWEST, 5, True),
        (SelfTradePrevention.CANCEL_NEWEST, 6, False),
        (SelfTradePrevention.CANCEL_BOTH, 6, False),
    ],
)
def test_own_orders_do_not_fill_a_fill_or_kill(prevention: SelfTradePrevention, quantity: int, filled: bool) -> None:
    """Asks: cat's 5, ann's 5, cat's 3. Ann's count for nothing: passed over with cancel-oldest, the end otherwise."""
    book = OrderBook("ACME")
    for order in (ask(1, 100, 5, user="cat"), ask(2, 100, 5, user="ann"), ask(3, 101, 3, user="cat")):
        book.place(order)
    order = bid(4, 101, quantity, "ann", time_in_force=TimeInForce.FOK, self_trade_prevention=prevention)
    events = book.place(order)
    assert (not order.remaining) == filled
    if not filled:
        assert events == [Cancelled(order, Code.NOT_FILLABLE)]
        assert list(book.orders) == [1, 2, 3]


def test_cancel_takes_an_order_out_once(book: OrderBook) -> None:
    """Cancelling what is gone, or never was, changes nothing."""
    cancelled = book.cancel(1)
    assert cancelled is not None
    assert cancelled.remaining == 5
    seq = book.seq
    assert book.cancel(1) is None
    assert book.cancel(99) is None
    assert book.seq == seq


def test_a_smaller_quantity_keeps_the_place(book: OrderBook) -> None:
    """Who asks for less harms nobody behind him."""
    [event] = book.replace(1, quantity=3)
    assert event == Replaced(book.orders[1], 3)
    assert fills(book.place(bid(4, 100, 4))) == [(1, 100, 3), (2, 100, 1)]


@pytest.mark.parametrize("change", [{"quantity": 6}, {"price": 101}])
def test_more_quantity_or_another_price_loses_the_place(book: OrderBook, change: dict[str, int]) -> None:
    """Otherwise a tiny early order could become a large one ahead of all."""
    book.replace(1, **change)
    price = change.get("price", 100)
    assert [order.order_id for order in book.asks.levels[price]][-1] == 1


def test_replace_means_the_total_with_what_is_filled(book: OrderBook) -> None:
    """A fill under way cannot overfill: after 2 of 5, a total of 6 leaves 4 and a total of 2 leaves nothing."""
    book.place(bid(4, 100, 2))
    [event] = book.replace(1, quantity=6)
    assert isinstance(event, Replaced)
    assert event.remaining == 4
    assert book.replace(1, quantity=2) == [Cancelled(event.order, Code.REPLACED_BELOW_FILLED)]
    assert 1 not in book.orders


def test_a_replaced_order_trades_if_it_now_crosses(book: OrderBook) -> None:
    """It arrives anew; the whole is one change of the book."""
    book.place(bid(4, 99, 7))
    seq = book.seq
    replaced, *traded = book.replace(4, price=100)
    assert isinstance(replaced, Replaced)
    assert fills(traded) == [(1, 100, 5), (2, 100, 2)]
    assert book.seq == seq + 1


def test_a_post_only_order_stays_where_it_is_rather_than_trade(book: OrderBook) -> None:
    """Its promise outlives its arrival."""
    order = bid(4, 99, 7, post_only=True)
    book.place(order)
    assert book.replace(4, price=100) == [BookRefusal(order, Code.WOULD_TRADE)]
    assert book.bids.depth() == [[99, 7, 1]]


def test_replacing_nothing_is_nothing(book: OrderBook) -> None:
    """An order that is gone gets no answer; one that is told to stay is unchanged."""
    assert book.replace(99, price=1) == []
    seq = book.seq
    assert book.replace(1) == [Replaced(book.orders[1], 5)]
    assert book.seq == seq


def test_seq_counts_calls_that_touch_a_level(book: OrderBook) -> None:
    """Three orders came, so 3; a sweep of many levels is one more; what touches nothing counts nothing."""
    assert book.seq == 3
    book.place(bid(4, 0, 1, user="ann", kind=OrderKind.MARKET))
    assert book.seq == 3
    book.place(bid(5, 101, 15))
    assert book.seq == 4


def test_changes_are_merged_until_taken(book: OrderBook) -> None:
    """One packet, one change, whatever happened in between."""
    book.place(bid(4, 100, 7))
    book.place(bid(5, 98, 1))
    change = book.take_change()
    assert change is not None
    assert (change.prev_seq, change.seq) == (3, 5)
    assert (list(change.bids), list(change.asks)) == ([[98, 1, 1]], [[100, 3, 1]])
    assert change.digest == book_digest([(98, 1)], [(100, 3), (101, 10)])
    assert book.take_change() is None


def test_a_snapshot_is_the_whole_book(book: OrderBook) -> None:
    """Best first, with the number of orders, and a digest that proves it."""
    snapshot = book.snapshot(epoch=9, time=1)
    assert (snapshot.epoch, snapshot.seq, snapshot.depth) == (9, 3, 0)
    assert (list(snapshot.bids), list(snapshot.asks)) == ([], [[100, 10, 2], [101, 10, 1]])
    assert snapshot.digest == book.digest == book_digest([], [(100, 10), (101, 10)])


def test_refuses_our_own_mistakes() -> None:
    """An id twice, or nothing to trade, is a bug of the caller and must not pass in silence."""
    book = OrderBook("ACME")
    book.place(bid(1, 100, 1))
    with pytest.raises(AssertionError):
        book.place(bid(1, 100, 1))
    with pytest.raises(AssertionError):
        book.place(bid(2, 100, 0))


def test_a_level_holds_no_more_lots_than_the_digest_tells_apart() -> None:
    """Three valid orders made 4,294,967,301 lots, whose digest was that of 5."""
    book = OrderBook("ACME")
    for n in range(1, 3):
        assert book.place(bid(n, 100, QUANTITY_MAX)) == []
    assert book.place(bid(3, 100, 1)) == []
    seq, order = book.seq, bid(4, 100, 1)
    assert book.place(order) == [BookRefusal(order, Code.QUANTITY_OUT_OF_RANGE)]
    assert book.place(bid(5, 99, 7)) == []
    assert book.replace(5, price=100) == [BookRefusal(book.orders[5], Code.QUANTITY_OUT_OF_RANGE)]
    assert book.replace(3, quantity=2) == [BookRefusal(book.orders[3], Code.QUANTITY_OUT_OF_RANGE)]
    assert (book.orders[3].quantity, book.orders[5].price, book.seq) == (1, 99, seq + 1)
    assert book.replace(1, quantity=QUANTITY_MAX - 1) == [Replaced(book.orders[1], QUANTITY_MAX - 1)]
    assert book.place(order) == []
    assert [fill.quantity for fill in book.place(ask(6, 100, 9))] == [9]
    book.check_invariants()


@pytest.mark.timeout(20)
def test_fill_or_kill_ranks_as_many_levels_as_an_operator_allows() -> None:
    """More than are thrown out as dead at a time: levels that live are not counted among them."""
    book = OrderBook("ACME")
    for number in range(3_000):
        book.place(ask(number + 1, 1_000 + number, 1))
    events = book.place(bid(5_000, 5_000, 2_900, time_in_force=TimeInForce.FOK), met_max=10_000)
    assert len(events) == 2_900
    assert len(book.asks.levels) == 100


@pytest.mark.parametrize("asked", [False, True], ids=["", "ranked"])
@pytest.mark.parametrize("levels", [3, 40, 20_000], ids=["few", "some", "deep"])
def test_orders_that_leave_together_leave_as_they_would_one_by_one(levels: int, asked: bool) -> None:
    random = Random(levels)
    one_by_one, together = OrderBook("ACME"), OrderBook("ACME")
    prices = random.sample(range(1, 2 * levels + 1), levels)
    for book in (one_by_one, together):
        for n, price in enumerate(prices * 2, 1):
            order = bid(n, price, 1 + n % 7) if price <= levels else ask(n, price, 1 + n % 7)
            book.place(order)
        book.take_change()
        if asked:
            book.bids.lots_of_best(5, 1)
            book.asks.lots_of_best(5, 2 * levels)
    for count in (1, len(prices) // 3, len(prices)):
        leaving = random.sample(sorted(together.orders), count)
        together.cancel_many([together.orders[order_id] for order_id in leaving])
        for order_id in leaving:
            one_by_one.cancel(order_id)
        together.check_invariants()
        assert (together.bids.best_price, together.asks.best_price) == (
            one_by_one.bids.best_price,
            one_by_one.asks.best_price,
        )
        assert together.bids.prices() == one_by_one.bids.prices()
        assert together.take_change() == one_by_one.take_change()
