"""A call: a time in which a book gathers orders, and nothing trades until all of it is uncrossed at one price.

Owns what a call adds to a book: the orders without a limit, which wait beside the levels, the orders that end with the
call, and the uncrossing. Leaves to others when a call begins and ends, and whether its price may be. Lots without a
limit are in no level and in no digest. Invariant: no two orders of one user could meet at any price.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openoutcry.wire.tick_table import TickTable
from openoutcry.wire.types import LEVEL_QUANTITY_MAX, Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching.book.auction_price import NO_PRICE, AuctionPrice, Meeting, price_of
from services.matching.book.book_event import AuctionFill, BookEvent, BookRefusal, Cancelled
from services.matching.book.book_side import BookSide
from services.matching.book.lot_ladder import meeting_of
from services.matching.book.order import Order
from services.matching.book.price_level import PriceLevel

LEVELS_LOOKED_AT: Final = 64
"""Levels of a side that an auction's price is looked for in at first, and at least."""
MANY_LEVELS: Final = 4_096
"""If more levels of a side are needed than these, sixteen times as many are looked at next, and not twice as many."""
LEVELS_LEFT: Final = 16
"""And so many more than traded in it last, since each order may move it."""

_BID: Final = Side.BID
_MARKET: Final = OrderKind.MARKET
_AUCTION: Final = TimeInForce.AUCTION
_WAIT_NOT: Final = (TimeInForce.IOC, TimeInForce.FOK)
_CANCEL_NEWEST: Final = SelfTradePrevention.CANCEL_NEWEST
_CANCEL_OLDEST: Final = SelfTradePrevention.CANCEL_OLDEST


class Call:
    """
    One book's call.

    Args:
        bids: The book's.
        asks: The book's.
        orders: The book's, by id; those without a limit are among them.
    """

    __slots__ = ("_ask_levels", "_asks", "_bid_levels", "_bids", "_orders", "market_asks", "market_bids", "only")

    def __init__(self, bids: BookSide, asks: BookSide, orders: dict[int, Order]) -> None:
        self._bids, self._asks, self._orders = bids, asks, orders
        self.market_bids = PriceLevel(0)
        """Those without a limit, first come first."""
        self.market_asks = PriceLevel(0)
        self.only: dict[int, Order] = {}
        """Orders that end with the call, by id: those without a limit, and those that are good for the auction only."""
        # How many levels of each side the price was looked for in last.
        self._bid_levels = self._ask_levels = LEVELS_LOOKED_AT

    # Orders come and go.

    def wait(self, order: Order, own: Iterable[Order]) -> list[BookEvent]:
        """
        Have an arriving order wait; see `OrderBook.place`.

        Args:
            order: Not in the book.
            own: All resting orders of its user, of this book or others.

        Cost: O(own orders), 0.1 µs each.
        """
        if order.time_in_force in _WAIT_NOT and order.kind is not _MARKET:
            return [Cancelled(order, Code.NO_LIQUIDITY)]
        if order.kind is not _MARKET:
            level = (self._bids if order.side is _BID else self._asks).levels.get(order.price)
            if level is not None and level.quantity + order.remaining > LEVEL_QUANTITY_MAX:
                return [BookRefusal(order, Code.QUANTITY_OUT_OF_RANGE)]
        events: list[BookEvent] = []
        met = [held for held in own if _could_meet(order, held)]
        if met:
            policy = order.self_trade_prevention
            if policy is not _CANCEL_NEWEST:
                met.sort(key=_by_priority)
                for held in met if policy is _CANCEL_OLDEST else met[:1]:
                    del self._orders[held.order_id]
                    self.remove(held)
                    events.append(Cancelled(held, Code.SELF_TRADE))
            if policy is not _CANCEL_OLDEST:
                return [*events, Cancelled(order, Code.SELF_TRADE)]
        self.add(order)
        return events

    def add(self, order: Order) -> None:
        """Put an order last in its queue."""
        if order.kind is _MARKET:
            self._queue(order).append(order)
            self.only[order.order_id] = order
        else:
            (self._bids if order.side is _BID else self._asks).append(order)
            if order.time_in_force is _AUCTION:
                self.only[order.order_id] = order
        self._orders[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take an order out of its queue; `orders` is the caller's."""
        self.only.pop(order.order_id, None)
        if order.kind is _MARKET:
            self._queue(order).remove(order)
        else:
            (self._bids if order.side is _BID else self._asks).remove(order)

    def reduce(self, order: Order, remaining: int) -> None:
        """Lower the remaining lots of an order without a limit to a number above 0, keeping its place."""
        self._queue(order).quantity -= order.remaining - remaining
        order.remaining = remaining

    # The auction.

    def price(self, reference: int, ticks: TickTable, price_max: int, levels_max: int) -> AuctionPrice | None:
        """
        Return what an uncrossing now would come to; None if more than `levels_max` levels of a side would trade.

        Args:
            reference: As `auction_price`, like the next two.
            ticks: Which prices there are.
            price_max: The highest.
            levels_max: How many levels of a side are looked at.

        Cost: O(1) if nothing crosses; else O(levels that trade), 0.3 µs each, and see `BookSide.best_lots`. If a side
        is deep and all of it may be looked at, see `meeting_of` and `BookSide.ladder`.
        """
        if not self.is_crossed:
            return NO_PRICE
        bids, asks = self._bids, self._asks
        if (bids.is_deep or asks.is_deep) and max(len(bids.levels), len(asks.levels)) <= levels_max:
            met = meeting_of(bids.ladder(), asks.ladder(), self.market_bids.quantity, self.market_asks.quantity)
            return price_of(met, reference, ticks, price_max)
        found = self._met(levels_max)
        return None if found is None else price_of(found, reference, ticks, price_max)

    def _met(self, levels_max: int) -> Meeting | None:
        """Return where the lots meet, from the best levels on; None if that needs more of a side than these."""
        most = levels_max + 1
        bid_count, ask_count = min(self._bid_levels, most), min(self._ask_levels, most)
        while True:
            bids, asks = self._bids.best_lots(bid_count), self._asks.best_lots(ask_count)
            met = Meeting(bids, asks, self.market_bids.quantity, self.market_asks.quantity)
            # One of each must be left over, or there are no more.
            needs_bids = met.next_bid is None and bid_count < len(self._bids.levels)
            needs_asks = met.next_ask is None and ask_count < len(self._asks.levels)
            if (needs_bids and bid_count == most) or (needs_asks and ask_count == most):
                self._bid_levels, self._ask_levels = bid_count, ask_count
                return None
            if not needs_bids and not needs_asks:
                break
            bid_count = min(most, bid_count * (_more(bid_count) if needs_bids else 1))
            ask_count = min(most, ask_count * (_more(ask_count) if needs_asks else 1))
        self._bid_levels = max(LEVELS_LOOKED_AT, met.bids_taken + LEVELS_LEFT)
        self._ask_levels = max(LEVELS_LOOKED_AT, met.asks_taken + LEVELS_LEFT)
        return met

    @property
    def is_crossed(self) -> bool:
        """Whether something could trade; O(1). Market orders alone need a reference price, too."""
        bids, asks = self._bids, self._asks
        if bids.levels and asks.levels and bids.best_price >= asks.best_price:
            return True
        market_bids, market_asks = self.market_bids.first is not None, self.market_asks.first is not None
        return (market_bids and (market_asks or bool(asks.levels))) or (market_asks and bool(bids.levels))

    def fills(self, price: int, count: int, trade_id: int) -> list[AuctionFill]:
        """
        Trade at one price, some pairs of orders at most; see `OrderBook.uncross`.

        Args:
            price: Ticks.
            count: How many fills.
            trade_id: Of the book's last trade.
        """
        fills: list[AuctionFill] = []
        self._bids.forget_ranking()
        self._asks.forget_ranking()
        while len(fills) < count:
            bid = self.market_bids.first
            if bid is None and self._bids.best_price >= price:
                bid = self._bids.levels[self._bids.best_price].first
            ask = self.market_asks.first
            if ask is None and self._asks.best_price <= price:
                ask = self._asks.levels[self._asks.best_price].first
            if bid is None or ask is None:
                break
            assert bid.user != ask.user, (bid, ask)
            quantity = min(bid.remaining, ask.remaining)
            self._fill(bid, quantity)
            self._fill(ask, quantity)
            trade_id += 1
            fills.append(AuctionFill(trade_id, price, quantity, bid, bid.remaining, ask, ask.remaining))
        return fills

    def check_invariants(self) -> None:
        """Assert what must always hold; O(orders). For tests."""
        waiting = [*self.market_bids, *self.market_asks]
        for queue in (self.market_bids, self.market_asks):
            assert queue.quantity == sum(order.remaining for order in queue)
            assert queue.orders == len(list(queue))
            assert all(order.kind is _MARKET and order.remaining > 0 for order in queue)
        assert all(self._orders[order.order_id] is order for order in waiting)
        ending = [order for order in self._orders.values() if order.kind is _MARKET or order.time_in_force is _AUCTION]
        assert {order.order_id: order for order in ending} == self.only
        users = {order.user: [held for held in self._orders.values() if held.user == order.user] for order in waiting}
        for order in waiting:
            assert not any(_could_meet(order, held) for held in users[order.user])
        bids: dict[str, int] = {}
        for level in self._bids.levels.values():
            bids |= {order.user: max(bids.get(order.user, 0), level.price) for order in level}
        for level in self._asks.levels.values():
            assert all(bids.get(order.user, 0) < level.price for order in level)

    def _queue(self, order: Order) -> PriceLevel:
        return self.market_bids if order.side is _BID else self.market_asks

    def _fill(self, order: Order, quantity: int) -> None:
        left = order.remaining - quantity
        if not left:
            del self._orders[order.order_id]
            self.remove(order)
            order.remaining = 0
        elif order.kind is _MARKET:
            self.reduce(order, left)
        else:
            (self._bids if order.side is _BID else self._asks).reduce(order, left)


def _more(count: int) -> int:
    return 2 if count < MANY_LEVELS else 16


def _could_meet(order: Order, held: Order) -> bool:
    """Tell whether two orders of one user would trade with each other at some price."""
    if held.side is order.side or held.instrument != order.instrument:
        return False
    if held.kind is _MARKET or order.kind is _MARKET:
        return True
    return held.price <= order.price if order.side is _BID else held.price >= order.price


def _by_priority(held: Order) -> tuple[int, int]:
    """Those without a limit first, then the better limits; the older order first."""
    return (held.price if held.side is not _BID else -held.price) if held.price else -LEVEL_QUANTITY_MAX, held.order_id
