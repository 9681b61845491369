"""A market with special orders, kept the slow way: lists that are sorted anew for every question.

It knows stops, ends, minima, and price-time priority as docs/protocol.md says them, and nothing of how the engine keeps
them. No accounts, one instrument, one writer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from openoutcry.wire.types import Code, ExecutionEvent, OrderKind, SelfTradePrevention, Side, TimeInForce
from shared.logs.commands import CancelAll, CancelOrder, Command, PlaceOrder, PlaceSpecial, ReplaceOrder

Told: TypeAlias = tuple[str, ExecutionEvent, int, int, int, Code]
"""User, event, order id, remaining, price of a fill, reason."""
DAY_US = 86_400_000_000
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


@dataclass
class NaiveOrder:
    """One order."""

    order_id: int
    user: str
    side: Side
    limit: int
    """Its worst price; of a market order one that is better than all."""
    quantity: int
    remaining: int
    times: TimeInForce
    prevention: SelfTradePrevention
    trigger: int = 0
    ends: int = 0
    minimum: int = 0
    is_market: bool = False
    place: int = 0
    """In the queue: when it came to its price."""


@dataclass
class NaiveMarket:
    """One instrument's market."""

    orders: list[NaiveOrder] = field(default_factory=list)
    """In the book."""
    stops: list[NaiveOrder] = field(default_factory=list)
    elected: list[NaiveOrder] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    last: int = 0
    order_id: int = 0
    places: int = 0

    def apply(self, command: Command, time_us: int) -> list[Told]:
        """Take a command that the engine has accepted, and return what its users hear; `rejected` aside."""
        self.told = []
        self.pass_time(time_us)
        if isinstance(command, PlaceOrder | PlaceSpecial):
            self._enter(command, time_us)
        elif isinstance(command, CancelOrder):
            self._end(self._named(command.user, command.order_id), Code.BY_USER)
        elif isinstance(command, CancelAll):
            own = [order for order in self.open() if order.user == command.user]
            for order in sorted(own, key=lambda each: each.order_id):
                self._end(order, Code.BY_USER)
        elif isinstance(command, ReplaceOrder):
            self._replace(command)
        self._trigger()
        return self.told

    def pass_time(self, time_us: int) -> None:
        """End what has ended by then, each at its own time."""
        due = [order for order in self.open() if 0 < order.ends <= time_us]
        for order in sorted(due, key=lambda each: (each.ends, each.order_id)):
            self._end(order, Code.EXPIRED)

    def open(self) -> list[NaiveOrder]:
        return [*self.orders, *self.stops, *self.elected]

    def would_trigger(self, side: Side, trigger: int) -> bool:
        return bool(self.last) and (trigger <= self.last if side is Side.BID else trigger >= self.last)

    def _named(self, user: str, order_id: int) -> NaiveOrder:
        [order] = [each for each in self.open() if (each.user, each.order_id) == (user, order_id)]
        return order

    def _enter(self, command: PlaceOrder | PlaceSpecial, time_us: int) -> None:
        self.order_id += 1
        is_market = command.kind is OrderKind.MARKET
        limit = command.price if not is_market else (10**9 if command.side is Side.BID else 0)
        order = NaiveOrder(
            self.order_id,
            command.user,
            command.side,
            limit,
            command.quantity,
            command.quantity,
            command.time_in_force,
            command.self_trade_prevention,
            is_market=is_market,
        )
        if isinstance(command, PlaceSpecial):
            order.trigger, order.ends, order.minimum = command.trigger, command.expires_at, command.minimum
            if command.time_in_force is TimeInForce.DAY:
                order.ends = (time_us // DAY_US + 1) * DAY_US
            if command.trigger and is_market:
                bp, order.is_market = command.protection_bp or 500, False
                bid, ask = command.trigger * (10_000 + bp) // 10_000, -(-command.trigger * (10_000 - bp) // 10_000)
                order.limit = min(bid, 200) if command.side is Side.BID else max(ask, 1)
        self._tell(order, ExecutionEvent.ACCEPTED)
        if order.trigger:
            self.stops.append(order)
        else:
            self._arrive(order)

    def _replace(self, command: ReplaceOrder) -> None:
        order = self._named(command.user, command.order_id)
        price = order.limit if command.price is None else command.price
        quantity = order.quantity if command.quantity is None else command.quantity
        remaining = quantity - (order.quantity - order.remaining)
        if remaining <= 0:
            self._end(order, Code.REPLACED_BELOW_FILLED)
            return
        keeps = order.trigger or (price == order.limit and quantity <= order.quantity)
        order.limit, order.quantity, order.remaining = price, quantity, remaining
        self._tell(order, ExecutionEvent.REPLACED)
        if not keeps:
            self.orders.remove(order)
            order.minimum = 0
            self._arrive(order)

    def _arrive(self, order: NaiveOrder) -> None:
        wanted = order.quantity if order.times is TimeInForce.FOK else min(order.minimum, order.remaining)
        if wanted and self._could_trade(order) < wanted:
            self._tell_end(order, Code.NOT_FILLABLE)
            return
        while order.remaining and (maker := self._best_against(order)) is not None:
            if maker.user == order.user:
                if order.prevention is not SelfTradePrevention.CANCEL_NEWEST:
                    self._end(maker, Code.SELF_TRADE)
                if order.prevention is not SelfTradePrevention.CANCEL_OLDEST:
                    self._tell_end(order, Code.SELF_TRADE)
                    return
                continue
            self._trade(order, maker)
        if order.remaining and (order.is_market or order.times in _AT_ONCE):
            self._tell_end(order, Code.NO_LIQUIDITY)
        elif order.remaining:
            self.places += 1
            order.place = self.places
            self.orders.append(order)

    def _queue_against(self, order: NaiveOrder) -> list[NaiveOrder]:
        sign = 1 if order.side is Side.BID else -1
        met = [each for each in self.orders if each.side is not order.side and each.limit * sign <= order.limit * sign]
        return sorted(met, key=lambda each: (each.limit * sign, each.place))

    def _best_against(self, order: NaiveOrder) -> NaiveOrder | None:
        return next(iter(self._queue_against(order)), None)

    def _could_trade(self, order: NaiveOrder) -> int:
        lots = 0
        for each in self._queue_against(order):
            if each.user != order.user:
                lots += each.remaining
            elif order.prevention is not SelfTradePrevention.CANCEL_OLDEST:
                break
        return lots

    def _trade(self, taker: NaiveOrder, maker: NaiveOrder) -> None:
        lots, price = min(taker.remaining, maker.remaining), maker.limit
        hit = [
            stop for stop in self.stops if (stop.trigger <= price if stop.side is Side.BID else stop.trigger >= price)
        ]
        before = self.last or price
        hit.sort(key=lambda stop: (abs(stop.trigger - before), stop.order_id))
        self.stops = [stop for stop in self.stops if stop not in hit]
        self.elected += hit
        self.last = price
        for order in (taker, maker):
            order.remaining -= lots
        if not maker.remaining:
            self.orders.remove(maker)
        for order in (taker, maker):
            self._tell(order, ExecutionEvent.FILLED, price)

    def _trigger(self) -> None:
        while self.elected:
            order = self.elected.pop(0)
            order.trigger = 0
            self._tell(order, ExecutionEvent.TRIGGERED)
            self._arrive(order)

    def _end(self, order: NaiveOrder, reason: Code) -> None:
        for held in (self.orders, self.stops, self.elected):
            held[:] = [each for each in held if each is not order]
        self._tell_end(order, reason)

    def _tell_end(self, order: NaiveOrder, reason: Code) -> None:
        event = ExecutionEvent.EXPIRED if reason is Code.EXPIRED else ExecutionEvent.CANCELLED
        self.told.append((order.user, event, order.order_id, 0, 0, reason))

    def _tell(self, order: NaiveOrder, event: ExecutionEvent, price: int = 0) -> None:
        self.told.append((order.user, event, order.order_id, order.remaining, price, Code.OK))
