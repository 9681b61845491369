"""The order book against a naive one: any sequence of calls gives the same answers and the same book.

This is the proof behind every claim about matching; the unit tests only tell the rules one by one.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import QUANTITY_MAX, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import BookEvent, BookRefusal, Cancelled, Fill, OrderBook, Replaced
from services.matching.book.order_book import ORDERS_MET_MAX
from tests.property.naive_book import NaiveBook, NaiveOrder, real_order

PRICES = st.integers(91, 101)
QUANTITIES = st.integers(1, 12) | st.integers(1, 12) | st.sampled_from([QUANTITY_MAX, QUANTITY_MAX - 1])
"""The largest too: three of them are more than a level may hold."""
ORDER_IDS = st.integers(1, 40)
"""Mostly of orders that rest or once did, sometimes of none."""


def described(event: BookEvent) -> tuple[Any, ...]:
    """An event as the naive book tells it."""
    match event:
        case Fill(trade_id, price, quantity, maker, maker_remaining, taker, taker_remaining):
            orders = (maker.order_id, maker_remaining, taker.order_id, taker_remaining)
            return "fill", trade_id, price, quantity, *orders
        case Cancelled(order, reason):
            return "cancelled", order.order_id, order.remaining, reason
        case Replaced(order, remaining):
            return "replaced", order.order_id, remaining
        case BookRefusal(order, code):
            return "refused", order.order_id, code


class BookMachine(RuleBasedStateMachine):
    """Every call goes to both books; a replica follows the real one's changes, cut at random."""

    met_max = ORDERS_MET_MAX

    def __init__(self) -> None:
        super().__init__()
        self.book = OrderBook("ACME")
        self.naive = NaiveBook(self.met_max)
        self.replica = DepthBook("ACME")
        self.last_id = 0
        self.seq = 0
        self.before = self.levels()

    @rule(
        user=st.sampled_from(["ann", "bob", "cat"]),
        side=st.sampled_from(Side),
        market=st.integers(0, 5).map(lambda drawn: drawn == 0),
        price=PRICES,
        quantity=QUANTITIES,
        time_in_force=st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
        post_only=st.booleans(),
        prevention=st.sampled_from(SelfTradePrevention),
        names_own=st.booleans(),
    )
    def place(self, user, side, market, price, quantity, time_in_force, post_only, prevention, names_own) -> None:
        self.last_id += 1
        kind = OrderKind.MARKET if market else OrderKind.LIMIT
        post_only = post_only and not market and time_in_force is TimeInForce.GTC
        price = 0 if market else price
        order = NaiveOrder(
            self.last_id, user, side, price, quantity, quantity, kind, time_in_force, post_only, prevention
        )
        real = real_order(order)
        own = {key: held for key, held in self.book.orders.items() if held.user == user} if names_own else None
        assert [described(event) for event in self.book.place(real, own, self.met_max)] == self.naive.place(order)
        assert real.remaining == order.remaining

    @rule(order_id=ORDER_IDS)
    def cancel(self, order_id) -> None:
        assert (self.book.cancel(order_id) is not None) == self.naive.cancel(order_id)

    @rule(order_id=ORDER_IDS, price=st.none() | PRICES, quantity=st.none() | QUANTITIES)
    def replace(self, order_id, price, quantity) -> None:
        answered = [described(event) for event in self.book.replace(order_id, price, quantity, self.met_max)]
        assert answered == self.naive.replace(order_id, price, quantity)

    @rule()
    def publish(self) -> None:
        change = self.book.take_change()
        if self.replica.seq == self.seq:
            assert change is None
            return
        assert change is not None
        assert (change.prev_seq, change.seq) == (self.replica.seq, self.seq)
        assert self.replica.advance(change.seq, 0, change.bids, change.asks, change.digest) is Verdict.APPLY
        assert self.replica.bids.levels() == [(price, quantity) for price, quantity, _ in self.naive.depth(Side.BID)]
        assert self.replica.asks.levels() == [(price, quantity) for price, quantity, _ in self.naive.depth(Side.ASK)]

    @invariant()
    def same_book(self) -> None:
        levels = self.levels()
        assert levels == [self.naive.depth(Side.BID), self.naive.depth(Side.ASK)]
        assert self.book.digest == self.naive.digest()
        assert self.book.trade_id == self.naive.trade_id
        # One call that changes any level is one seq, however many levels it changes.
        self.seq += levels != self.before
        self.before = levels
        assert self.book.seq == self.seq
        self.book.check_invariants()

    def levels(self) -> list[Any]:
        return [self.book.bids.depth(), self.book.asks.depth()]


class FillOrKillMachine(BookMachine):
    """The same, with so few orders of other kinds that fill-or-kill meets deep books and its own orders in them."""

    @rule(
        user=st.sampled_from(["ann", "bob"]),
        prices=st.lists(PRICES, min_size=1, max_size=8),
        side=st.sampled_from(Side),
        quantity=QUANTITIES,
    )
    def rest(self, user, prices, side, quantity) -> None:
        for price in prices:
            self.last_id += 1
            away = price - 12 if side is Side.BID else price + 12
            order = NaiveOrder(
                self.last_id, user, side, away, quantity, quantity, OrderKind.LIMIT, TimeInForce.GTC,
                post_only=True, self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST,
            )  # fmt: skip
            assert [described(event) for event in self.book.place(real_order(order))] == self.naive.place(order)
            self.same_book()

    @rule(side=st.sampled_from(Side), count=st.integers(0, 8))
    def rank(self, side, count) -> None:
        """Have so many prices ranked, or none: which a real book does by numbers that these are too small for."""
        half = self.book.bids if side is Side.BID else self.book.asks
        if count:
            half._rank(count)
        else:
            half._ranked = None

    @rule(
        user=st.sampled_from(["ann", "bob", "cat"]),
        side=st.sampled_from(Side),
        price=st.integers(75, 117),
        quantity=st.integers(1, 60),
        prevention=st.sampled_from(SelfTradePrevention),
    )
    def kill(self, user, side, price, quantity, prevention) -> None:
        self.place(user, side, False, price, quantity, TimeInForce.FOK, False, prevention, False)


class FewMetMachine(FillOrKillMachine):
    """The same, where so few orders may be met that many an order ends by it; the book is never crossed."""

    met_max = 3


TestOrderBook = BookMachine.TestCase
TestFillOrKill = FillOrKillMachine.TestCase
TestFewMet = FewMetMachine.TestCase
TestFewMet.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFillOrKill.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestOrderBook.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
