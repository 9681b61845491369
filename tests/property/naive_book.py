"""A book that is obviously right and slow: one list of orders, sorted for each match. The tests' model."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from openoutcry.wire.digest import book_digest
from openoutcry.wire.types import LEVEL_QUANTITY_MAX, Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import Order
from services.matching.book.order_book import ORDERS_MET_MAX


@dataclass
class NaiveOrder:
    order_id: int
    user: str
    side: Side
    price: int
    quantity: int
    remaining: int
    kind: OrderKind
    time_in_force: TimeInForce
    post_only: bool
    self_trade_prevention: SelfTradePrevention

    def accepts(self, price: int) -> bool:
        if self.kind is OrderKind.MARKET:
            return True
        return price <= self.price if self.side is Side.BID else price >= self.price


class NaiveBook:
    """The same answers as `OrderBook`, as plain tuples (see `described`)."""

    def __init__(self, met_max: int = ORDERS_MET_MAX) -> None:
        self.met_max = met_max
        self.resting: list[NaiveOrder] = []  # in order of arrival
        self.trade_id = 0

    def place(self, order: NaiveOrder) -> list[tuple[Any, ...]]:
        if order.time_in_force is TimeInForce.FOK:
            rehearsal = copy.deepcopy(self)
            stand_in = copy.copy(order)
            rehearsal.match(stand_in)
            if stand_in.remaining:
                return [("cancelled", order.order_id, order.remaining, Code.NOT_FILLABLE)]
        if order.post_only and self.makers(order):
            return [("refused", order.order_id, Code.WOULD_TRADE)]
        if order.kind is OrderKind.LIMIT and order.time_in_force is TimeInForce.GTC and self.is_full(order):
            return [("refused", order.order_id, Code.QUANTITY_OUT_OF_RANGE)]
        events, ending = self.match(order)
        if ending:
            return [*events, ("cancelled", order.order_id, order.remaining, ending)]
        if order.remaining and (order.kind is OrderKind.MARKET or order.time_in_force is not TimeInForce.GTC):
            return [*events, ("cancelled", order.order_id, order.remaining, Code.NO_LIQUIDITY)]
        if order.remaining:
            self.resting.append(order)
        return events

    def cancel(self, order_id: int) -> bool:
        found = self.find(order_id)
        if found is not None:
            self.resting.remove(found)
        return found is not None

    def replace(self, order_id: int, price: int | None, quantity: int | None) -> list[tuple[Any, ...]]:
        order = self.find(order_id)
        if order is None:
            return []
        new_price = price or order.price
        new_quantity = quantity or order.quantity
        new_remaining = new_quantity - (order.quantity - order.remaining)
        if new_remaining <= 0:
            self.resting.remove(order)
            return [("cancelled", order_id, order.remaining, Code.REPLACED_BELOW_FILLED)]
        moved = copy.copy(order)
        moved.price, moved.quantity, moved.remaining = new_price, new_quantity, new_remaining
        replaced = ("replaced", order_id, new_remaining)
        if new_price == order.price and new_quantity <= order.quantity:
            self.resting[self.resting.index(order)] = moved
            return [replaced]
        if order.post_only and self.makers(moved):
            return [("refused", order_id, Code.WOULD_TRADE)]
        if self.is_full(moved):
            return [("refused", order_id, Code.QUANTITY_OUT_OF_RANGE)]
        self.resting.remove(order)
        return [replaced, *self.place(moved)]

    def match(self, taker: NaiveOrder) -> tuple[list[tuple[Any, ...]], Code]:
        """What happens, and why the taker may not go on, if so."""
        events: list[tuple[Any, ...]] = []
        for met, maker in enumerate(self.makers(taker)):
            if not taker.remaining:
                break
            if met == self.met_max:
                return events, Code.TOO_MANY_MET
            if maker.user == taker.user:
                if taker.self_trade_prevention is not SelfTradePrevention.CANCEL_NEWEST:
                    self.resting.remove(maker)
                    events.append(("cancelled", maker.order_id, maker.remaining, Code.SELF_TRADE))
                if taker.self_trade_prevention is not SelfTradePrevention.CANCEL_OLDEST:
                    return events, Code.SELF_TRADE
                continue
            quantity = min(taker.remaining, maker.remaining)
            taker.remaining -= quantity
            maker.remaining -= quantity
            if not maker.remaining:
                self.resting.remove(maker)
            self.trade_id += 1
            fill = (self.trade_id, maker.price, quantity)
            events.append(("fill", *fill, maker.order_id, maker.remaining, taker.order_id, taker.remaining))
        return events, Code.OK

    def makers(self, taker: NaiveOrder) -> list[NaiveOrder]:
        """Whom the taker would meet, in order of price, then of arrival (sorting is stable)."""
        found = [order for order in self.resting if order.side is not taker.side and taker.accepts(order.price)]
        return sorted(found, key=lambda order: order.price if taker.side is Side.BID else -order.price)

    def is_full(self, order: NaiveOrder) -> bool:
        """Whether others' lots on its side at its price and its own are more than a level may hold."""
        level = [held for held in self.resting if held.side is order.side and held.price == order.price]
        others = sum(held.remaining for held in level if held.order_id != order.order_id)
        return bool(level) and others + order.remaining > LEVEL_QUANTITY_MAX

    def find(self, order_id: int) -> NaiveOrder | None:
        return next((order for order in self.resting if order.order_id == order_id), None)

    def depth(self, side: Side) -> list[list[int]]:
        levels: dict[int, list[int]] = {}
        for order in self.resting:
            if order.side is side:
                level = levels.setdefault(order.price, [order.price, 0, 0])
                level[1] += order.remaining
                level[2] += 1
        return [levels[price] for price in sorted(levels, reverse=side is Side.BID)]

    def digest(self) -> int:
        bids = [(price, quantity) for price, quantity, _ in self.depth(Side.BID)]
        return book_digest(bids, [(price, quantity) for price, quantity, _ in self.depth(Side.ASK)])


def real_order(order: NaiveOrder) -> Order:
    return Order(
        order.order_id,
        order.user,
        order.side,
        order.price,
        order.quantity,
        order.kind,
        order.time_in_force,
        order.post_only,
        order.self_trade_prevention,
    )
