"""A call in a book: orders wait, crossed or not, and are uncrossed at one price."""

from __future__ import annotations

import pytest

from openoutcry.wire.types import LEVEL_QUANTITY_MAX, QUANTITY_MAX, Code, OrderKind, SelfTradePrevention, TimeInForce
from services.matching import AuctionFill, BookRefusal, Cancelled, Order, OrderBook, Replaced
from services.matching.book.auction_price import NO_PRICE, AuctionPrice
from tests.unit.services.matching.flow import ask, bid


@pytest.fixture
def book() -> OrderBook:
    """In a call: bids 102 x 50 (order 1), 101 x 30 (2) and a market bid of 20 (3); asks 99 x 40 (4), 101 x 40 (5)."""
    book = OrderBook("ACME")
    book.begin_call()
    for order in (bid(1, 102, 50), bid(2, 101, 30), market(3, 20), ask(4, 99, 40), ask(5, 101, 40)):
        assert book.place(order, {}) == []
    return book


def market(
    order_id: int, quantity: int, *, buys: bool = True, user: str = "eve", **rules: SelfTradePrevention
) -> Order:
    made = bid if buys else ask
    return made(order_id, 0, quantity, user, kind=OrderKind.MARKET, time_in_force=TimeInForce.AUCTION, **rules)


def pairs(fills: list[AuctionFill]) -> list[tuple[int, int, int]]:
    return [(fill.bid.order_id, fill.ask.order_id, fill.quantity) for fill in fills]


def test_orders_wait_even_crossed(book: OrderBook) -> None:
    """Nothing trades before the uncrossing, and each order is a change of the book."""
    assert book.bids.depth() == [[102, 50, 1], [101, 30, 1]]
    assert book.asks.depth() == [[99, 40, 1], [101, 40, 1]]
    assert (book.seq, book.trade_id) == (5, 0)
    change = book.take_change()
    assert change is not None
    assert change.digest == book.digest
    book.check_invariants()


def test_a_market_order_is_in_no_level_and_in_no_digest(book: OrderBook) -> None:
    """It has no price; that it came is told by the book's seq, and by the indicative."""
    digest = book.digest
    book.take_change()
    book.place(market(6, 7, user="fay"), {})
    assert 6 in book.orders
    assert book.digest == digest
    change = book.take_change()
    assert change is not None
    assert (change.bids, change.asks, change.seq) == ([], [], 6)
    assert book.cancel(6) is not None
    assert book.seq == 7
    book.check_invariants()


def test_the_indicative_is_what_the_uncrossing_comes_to(book: OrderBook) -> None:
    """100 lots bid and 80 asked at 101."""
    found = book.indicative()
    assert found == AuctionPrice(101, 80, 20)
    fills = book.uncross(101)
    assert sum(fill.quantity for fill in fills) == 80
    assert {fill.price for fill in fills} == {101}
    assert book.indicative() == NO_PRICE


def test_market_orders_come_first_then_better_limits_then_time(book: OrderBook) -> None:
    """Pairs in this order, and only one order is partly filled."""
    book.place(bid(6, 102, 5, "gil"), {})
    assert book.indicative() == AuctionPrice(101, 80, 25)
    fills = book.uncross(101)
    assert pairs(fills) == [(3, 4, 20), (1, 4, 20), (1, 5, 30), (6, 5, 5), (2, 5, 5)]
    assert [fill.trade_id for fill in fills] == [1, 2, 3, 4, 5]
    assert [(fill.bid_remaining, fill.ask_remaining) for fill in fills] == [(0, 20), (30, 0), (0, 10), (0, 5), (25, 0)]
    assert book.bids.depth() == [[101, 25, 1]]
    assert not book.asks.levels
    assert (book.seq, book.trade_id) == (7, 5)
    book.check_invariants()
    book.end_call()
    book.check_invariants()


@pytest.mark.parametrize("cut", range(1, 6))
def test_the_fills_are_the_same_however_they_are_cut(book: OrderBook, cut: int) -> None:
    """An uncrossing of 50,000 orders is as many commands as it needs."""
    fills: list[AuctionFill] = []
    while len(more := book.uncross(101, cut)) == cut:
        fills += more
    fills += more
    assert pairs(fills) == [(3, 4, 20), (1, 4, 20), (1, 5, 30), (2, 5, 10)]
    assert book.trade_id == 4


def test_what_ends_with_the_call_is_known(book: OrderBook) -> None:
    """Market orders, and limits that are good for the auction only; the caller ends them."""
    book.place(bid(6, 98, 5, "gil", time_in_force=TimeInForce.AUCTION), {})
    book.place(market(7, 200, user="hal", buys=False), {})
    assert list(book.call.only) == [3, 6, 7]  # type: ignore[union-attr]
    book.uncross(98)
    assert list(book.call.only) == [7]  # type: ignore[union-attr]
    with pytest.raises(AssertionError):
        book.end_call()
    for order_id in list(book.call.only):  # type: ignore[union-attr]
        book.cancel(order_id)
    book.end_call()
    assert book.call is None


def test_a_crossed_book_stays_in_its_call(book: OrderBook) -> None:
    """A close without an uncrossing leaves it so until the next one."""
    book.cancel(3)
    with pytest.raises(AssertionError):
        book.end_call()


@pytest.mark.parametrize(
    ("prevention", "ended", "left"),
    [
        (SelfTradePrevention.CANCEL_NEWEST, [9], [1, 2, 3, 4, 5, 6, 7, 8]),
        (SelfTradePrevention.CANCEL_OLDEST, [8, 6, 7], [1, 2, 3, 4, 5, 9]),
        (SelfTradePrevention.CANCEL_BOTH, [8, 9], [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_no_price_can_pair_two_orders_of_one_user(
    book: OrderBook, prevention: SelfTradePrevention, ended: list[int], left: list[int]
) -> None:
    """Whoever could meet an own order at any price gives way at entry: 8 without a limit, then the better limits."""
    own = [bid(6, 105, 1, "gil"), bid(7, 104, 1, "gil"), market(8, 1, user="gil"), bid(10, 99, 1, "gil")]
    for order in own:
        book.place(order, {})
    seq = book.seq
    events = book.place(
        ask(9, 100, 5, "gil", self_trade_prevention=prevention), {order.order_id: order for order in own}
    )
    assert [(event.order.order_id, event.reason) for event in events if isinstance(event, Cancelled)] == [
        (order_id, Code.SELF_TRADE) for order_id in ended
    ]
    assert sorted(book.orders) == sorted([*left, 10])
    assert book.seq == seq + (ended != [9])
    book.check_invariants()


def test_a_market_order_meets_every_own_order_on_the_other_side(book: OrderBook) -> None:
    """Its price is any price."""
    own = ask(6, 500, 1, "gil")
    book.place(own, {})
    order = market(7, 1, user="gil")
    assert book.place(order, {6: own}) == [Cancelled(order, Code.SELF_TRADE)]
    again = market(8, 1, user="gil")
    assert book.place(again) == [Cancelled(again, Code.SELF_TRADE)], "own orders are looked for if they are not given"


def test_a_stop_that_is_parked_meets_nobody(book: OrderBook) -> None:
    """It is its user's open order, and in no book: it gives way when it is triggered."""
    parked = ask(6, 100, 5, "gil")
    parked.instrument = "ACME"
    order = bid(7, 103, 5, "gil", self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST)
    assert book.place(order, {6: parked}) == []
    assert 7 in book.orders


def test_a_replacement_arrives_anew(book: OrderBook) -> None:
    """It keeps its place if it gets smaller, goes last if it does not, and its user's own orders stand in its way."""
    book.place(bid(6, 101, 10, "gil"), {})
    assert book.replace(2, None, 20) == [Replaced(book.orders[2], 20)]
    assert [order.order_id for order in book.bids.levels[101]] == [2, 6]
    book.replace(2, None, 25)
    assert [order.order_id for order in book.bids.levels[101]] == [6, 2]
    mine = book.orders[6]
    other = ask(7, 103, 5, "gil")
    assert book.place(other, {6: mine}) == []
    events = book.replace(6, 103, None, own={6: mine, 7: other})
    assert events == [Replaced(mine, 10), Cancelled(mine, Code.SELF_TRADE)]
    book.check_invariants()


def test_a_market_order_is_made_smaller_or_larger(book: OrderBook) -> None:
    """In its own queue."""
    book.place(market(6, 5, user="fay"), {})
    assert book.replace(3, None, 10) == [Replaced(book.orders[3], 10)]
    assert [order.order_id for order in book.by_priority()][:2] == [3, 6]
    book.replace(3, None, 12)
    assert [order.order_id for order in book.by_priority()][:2] == [6, 3]
    book.check_invariants()
    order = book.orders[3]
    assert book.replace(3, None, 0) == [Cancelled(order, Code.REPLACED_BELOW_FILLED)]
    book.check_invariants()


def test_a_level_holds_no_more_than_the_digest_can_tell(book: OrderBook) -> None:
    """As in continuous trading; lots without a limit are in no level."""
    book.place(bid(6, 50, QUANTITY_MAX), {})
    book.place(bid(7, 50, QUANTITY_MAX), {})
    order = bid(8, 50, LEVEL_QUANTITY_MAX - 2 * QUANTITY_MAX + 1)
    assert book.place(order, {}) == [BookRefusal(order, Code.QUANTITY_OUT_OF_RANGE)]


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_what_cannot_wait_ends(book: OrderBook, time_in_force: TimeInForce) -> None:
    """The engine refuses it before."""
    order = bid(6, 110, 5, "gil", time_in_force=time_in_force)
    assert book.place(order, {}) == [Cancelled(order, Code.NO_LIQUIDITY)]
    assert book.seq == 5


def test_a_call_is_restored_with_its_queues(book: OrderBook) -> None:
    """From a checkpoint: a crossed book, and orders without a limit in their order."""
    book.place(market(6, 5, user="fay"), {})
    again = OrderBook("ACME")
    again.restore([_copy(order) for order in book.by_priority()], book.seq, book.trade_id)
    assert again.call is not None
    again.check_invariants()
    assert again.indicative() == book.indicative()
    assert pairs(again.uncross(101)) == pairs(book.uncross(101))


def test_deep_crossings_have_no_indicative() -> None:
    """More levels of a side than are looked at: the uncrossing itself looks at all."""
    book = OrderBook("ACME")
    book.begin_call()
    for n in range(300):
        book.place(bid(2 * n + 1, 1_000 + n, 1, "ann"), {})
        book.place(ask(2 * n + 2, 1_300 - n, 1, "bob"), {})
    assert book.indicative(levels_max=148) is None
    found = book.indicative()
    assert found is not None
    assert found.volume == 149 + (found.price == 1_150)
    book.place(bid(9_999, 1_000, 1), {})
    assert book.indicative(levels_max=400) == found


def _copy(order: Order) -> Order:
    return Order(order.order_id, order.user, order.side, order.price, order.quantity, order.kind, order.time_in_force)
