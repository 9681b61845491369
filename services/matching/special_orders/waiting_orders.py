"""Orders that wait for a price, and orders that end by themselves.

Owns when a stop becomes an order like others, and when an order's time is over. Trades elect stops; those are placed
once the command is done, the first elected first, and what they trade elects more behind them. A command places
ELECTED_MAX of them at most: the others go on with the next commands, before these are applied. Nothing is placed while
an instrument is halted or closed: what was elected waits. Leaves to the floor the telling and the ending.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from openoutcry.wire.types import Code, ExecutionEvent, MarketState
from services.matching.accounts.account import UserAccount
from services.matching.book.book_event import BookEvent, BookRefusal, Cancelled
from services.matching.book.order import Order
from services.matching.book.stop_book import STOPS_MAX, StopBook
from services.matching.floor import EXPIRY, Floor
from services.matching.timers import EXPIRY_RANK, TIMERS_MAX
from services.matching.traded_instrument import Refusal, TradedInstrument

ELECTED_MAX: Final = 200
"""Stops that one command places."""
TOLD_MAX: Final = 1_500
"""Events of a command beyond which it places no more of them: as many as come of an order that meets 500 others."""
LAST_DAY: Final = "9999-12-31"
Permit: TypeAlias = Callable[[UserAccount, TradedInstrument, Order], Refusal | None]
_TRIGGERED: Final = ExecutionEvent.TRIGGERED
_EXPIRED: Final = Code.EXPIRED
_TRADING: Final = (MarketState.OPEN, MarketState.AUCTION)


class WaitingOrders:
    """
    A shard's special orders that wait.

    Args:
        floor: Where they stand.
    """

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.permit: Permit | None = None
        """Asked before an elected stop is placed: returns why it may not be, or None."""
        self.on_crowd: Callable[[TradedInstrument], None] | None = None
        """What happens when a command has elected more than ELECTED_MAX stops of an instrument: the others wait."""
        self._placed = (0, 0)  # position, and how many stops its command has placed
        floor.on_timer[EXPIRY] = self._expire

    # Coming and going.

    def refusal(self, order: Order, market: TradedInstrument) -> Refusal | None:
        """Return why there is no room for an order, or None. O(1)."""
        special = order.special
        assert special is not None
        moment = special.expires_at
        if moment and not self._floor.timers.has_room and not self._floor.expiries.has(moment):
            rule = f"orders end at {TIMERS_MAX:,} different moments already, and there is no room for another"
            return Refusal(Code.TOO_MANY_OPEN_ORDERS, f"expires_at: {rule}; name a whole second")
        if special.trigger and market.stops is not None and len(market.stops) >= STOPS_MAX:
            rule = f"{market.symbol} keeps {STOPS_MAX:,} stops, and there is no room for another"
            return Refusal(Code.TOO_MANY_OPEN_ORDERS, f"trigger: {rule}")
        return None

    def take(self, order: Order, market: TradedInstrument) -> None:
        """Keep an order that was accepted and is open: a stop until its trigger, and all that end by themselves."""
        special = order.special
        assert special is not None
        if special.trigger:
            if market.stops is None:
                market.stops = StopBook()
            market.stops.park(order)
        if self._floor.expiries.add(order):
            self._floor.timers.set(EXPIRY, str(special.expires_at), special.expires_at, EXPIRY_RANK)

    # By time.

    def expire_day_orders(self, market: TradedInstrument, trading_day: str) -> int:
        """
        End the orders that do not outlive a trading day, at its close; returns how many ended at once.

        Args:
            market: The instrument that closes.
            trading_day: YYYY-MM-DD. Orders for the day end, and those good till this date or an earlier one.
        """
        return self._end(self._floor.expiries.by_day(market.symbol, trading_day))

    def expire_days(self, market: TradedInstrument) -> int:
        """End all orders that end with a trading day, since there will be none any more."""
        return self._end(self._floor.expiries.by_day(market.symbol, LAST_DAY))

    def expire_before(self, market: TradedInstrument, trading_day: str) -> int:
        """End, before its first step, what should have ended before a trading day; returns as `expire_day_orders`."""
        orders = self._floor.expiries.by_day(market.symbol, trading_day)
        return self._end([order for order in orders if order.special and order.special.expires_on != trading_day])

    def _expire(self, key: str) -> None:
        self._end(self._floor.expiries.at(int(key)))

    def _end(self, orders: list[Order]) -> int:
        return self._floor.sweep(orders, _EXPIRED) if orders else 0

    # By price.

    def trigger_elected(self) -> None:
        """Place the stops that trades have elected, as far as this command may. O(1) a stop, and what they meet."""
        if self._floor.is_late:
            return  # what is due may end them, and those that they would meet
        for market in list(self._floor.electing.values()):
            stops = market.stops
            assert stops is not None
            while stops.elected and market.state in _TRADING:
                if not self._may_place():
                    return
                self._trigger(market, stops)
                if self._placed[1] == ELECTED_MAX and stops.elected and self.on_crowd is not None:
                    self.on_crowd(market)
            if not stops.elected:
                del self._floor.electing[market.symbol]

    def _may_place(self) -> bool:
        """Count one more stop of this command, or tell that it has placed or told enough."""
        floor = self._floor
        position, placed = self._placed
        if position != floor.position:
            placed = 0
        if placed >= ELECTED_MAX or len(floor.events) >= TOLD_MAX:
            return False
        self._placed = (floor.position, placed + 1)
        return True

    def _trigger(self, market: TradedInstrument, stops: StopBook) -> None:
        """Make an order like others of the stop that was elected first."""
        floor, book = self._floor, market.book
        order = next(iter(stops.elected.values()))
        stops.remove(order)
        special = order.special
        assert special is not None
        special.trigger = 0
        account = floor.accounts[order.user]
        floor.execution(account, _TRIGGERED, order, order.remaining)
        refused = self.permit(account, market, order) if self.permit is not None else None
        if refused is not None:
            floor.ended(account, market, order, refused.code)
            return
        seq = book.seq
        account.changing(order, market)
        minimum = min(special.minimum, order.remaining)
        met_max, band = floor.orders_met_max, floor.worst_price(market, order.side)
        if minimum and (market.is_call or not book.can_trade(order, minimum, account.orders, met_max, 0, band)):
            happened: list[BookEvent] = [Cancelled(order, Code.NOT_FILLABLE)]
        else:
            happened = book.place(order, account.orders, met_max, 0, band)
        account.changed(order, market, rests=order.order_id in book.orders)
        if happened and type(happened[0]) is BookRefusal:
            floor.ended(account, market, order, happened[0].code)
            return
        floor.tell(market, happened)
        if book.seq != seq:
            floor.touch(market)

    def check_invariants(self, open_orders: dict[int, Order]) -> None:
        """Assert what must always hold, given all open orders; O(orders). For tests."""
        self._floor.expiries.check_invariants(open_orders)
        waiting: dict[int, Order] = {}
        for symbol, market in self._floor.instruments.items():
            if market.stops is not None:
                market.stops.check_invariants()
                waiting.update((order.order_id, order) for order in market.stops)
                assert (symbol in self._floor.electing) == bool(market.stops.elected)
        triggers = {key: order for key, order in open_orders.items() if order.special and order.special.trigger}
        assert waiting == triggers
