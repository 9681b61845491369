"""Auctions computed the slow way, from what users are told of their orders: an oracle.

It knows the rule of the price, who comes first, and nothing of how the engine keeps a book. It judges every trade of
an uncrossing, and what waits in a call.
"""

from __future__ import annotations

from dataclasses import dataclass

from openoutcry.wire.messages import Execution, Status, Trade
from openoutcry.wire.types import ExecutionEvent, MarketState, NoSide, OrderKind, Side, TimeInForce
from shared.logs.events import Event, PrivateExecution


@dataclass
class Waiting:
    """One open order."""

    order_id: int
    user: str
    side: Side
    price: int
    """0: without a limit."""
    quantity: int
    remaining: int
    ends_with_call: bool
    arrived: int
    """Running, over arrivals and all changes that cost the place in the queue."""

    def accepts(self, price: int) -> bool:
        if not self.price:
            return True
        return price <= self.price if self.side is Side.BID else price >= self.price


def auction(orders: list[Waiting], reference: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Return the price, and the pairs (bid, ask, lots) that trade at it; (0, []) if nothing does."""
    price = price_of(orders, reference)
    if not price:
        return 0, []
    bids, asks = (
        [[order.order_id, order.remaining] for order in queue(orders, side) if order.accepts(price)]
        for side in (Side.BID, Side.ASK)
    )
    pairs = []
    while bids and asks:
        lots = min(bids[0][1], asks[0][1])
        pairs.append((bids[0][0], asks[0][0], lots))
        for side in (bids, asks):
            side[0][1] -= lots
            if not side[0][1]:
                side.pop(0)
    return price, pairs


def queue(orders: list[Waiting], side: Side) -> list[Waiting]:
    sign = -1 if side is Side.BID else 1
    ranked = [((order.price != 0, sign * order.price, order.arrived), order) for order in orders if order.side is side]
    return [order for _, order in sorted(ranked, key=lambda each: each[0])]


def price_of(orders: list[Waiting], reference: int) -> int:
    """Try every limit, one step inside each, and the reference."""
    limits = {
        order.price + step for order in orders if order.price for step in (0, 1 if order.side is Side.BID else -1)
    }
    found = {}
    for price in sorted((limits | {reference}) - {0}):
        bid, ask = (
            sum(o.remaining for o in orders if o.side is side and o.accepts(price)) for side in (Side.BID, Side.ASK)
        )
        found[price] = min(bid, ask), bid - ask
    most = max((lots for lots, _ in found.values()), default=0)
    if not most:
        return 0
    best = {price: surplus for price, (lots, surplus) in found.items() if lots == most}
    least = min(map(abs, best.values()))
    best = {price: surplus for price, surplus in best.items() if abs(surplus) == least}
    more_bid, more_asked = [p for p, d in best.items() if d > 0], [p for p, d in best.items() if d < 0]
    if len(more_bid) == len(best):
        return max(best)
    if len(more_asked) == len(best):
        return min(best)
    count = [max(more_bid), min(more_asked)] if more_bid and more_asked else list(best)
    return min(max(reference, min(count)), max(count)) if reference else min(count)


class NaiveCalls:
    """
    One instrument, as its users are told of it.

    Args:
        reference: The price that counts until the first trade, in ticks.
    """

    def __init__(self, reference: int) -> None:
        self.reference = reference
        self.state = MarketState.OPEN
        self.orders: dict[int, Waiting] = {}
        self.auctions = 0
        """Uncrossings that have been judged."""
        self._arrivals = 0

    def note(self, events: list[Event]) -> None:
        """Take what one command did."""
        fills = {
            (event.execution.trade_id, event.execution.side): event.execution.order_id
            for event in events
            if isinstance(event, PrivateExecution) and event.execution.event is ExecutionEvent.FILLED
        }
        pending: list[tuple[int, int, int]] = []
        for event in events:
            if isinstance(event, Status):
                self.state = event.state
            elif isinstance(event, PrivateExecution):
                self._note_execution(event.user, event.execution)
            elif isinstance(event, Trade):
                bid, ask = fills[event.trade_id, Side.BID], fills[event.trade_id, Side.ASK]
                if event.aggressor_side is not NoSide.NONE:
                    assert self.state is MarketState.OPEN, f"a trade while {self.state}"
                    assert not pending
                    self.reference = event.price
                    continue
                if not pending:
                    assert self.state is MarketState.AUCTION, f"an auction while {self.state}"
                    price, pending = auction(list(self.orders.values()), self.reference)
                    self.reference = price
                    self.auctions += 1
                assert (event.price, (bid, ask, event.quantity)) == (self.reference, pending.pop(0))
        assert not pending, f"of an auction there is left {pending}"
        self.judge()

    def judge(self) -> None:
        """Judge what waits: nobody's orders could meet, and what ends with a call has ended."""
        orders = list(self.orders.values())
        own = [(one, other) for one in orders for other in orders if one.user == other.user]
        for bid, ask in own:
            if bid.side is Side.BID and ask.side is Side.ASK:
                assert bid.price and ask.price and bid.price < ask.price, f"{bid} and {ask} could meet"  # noqa: PT018
        if self.state is MarketState.OPEN:
            assert not any(order.ends_with_call for order in orders)
            best = [queue(orders, side) for side in (Side.BID, Side.ASK)]
            assert not all(best) or best[0][0].price < best[1][0].price, "an open book is crossed"

    def _note_execution(self, user: str, told: Execution) -> None:
        order = self.orders.get(told.order_id)
        price = 0 if told.kind is OrderKind.MARKET else told.price  # one without a limit is told at what it reserves
        if told.event is ExecutionEvent.ACCEPTED:
            self._arrivals += 1
            ends = told.kind is OrderKind.MARKET or told.time_in_force is TimeInForce.AUCTION
            self.orders[told.order_id] = Waiting(
                told.order_id, user, told.side, price, told.quantity, told.remaining, ends, self._arrivals
            )
        elif order is not None:
            if told.event is ExecutionEvent.REPLACED:
                if price != order.price or told.quantity > order.quantity:
                    self._arrivals += 1
                    order.arrived = self._arrivals
                order.price, order.quantity = price, told.quantity
            order.remaining = told.remaining
            if not told.remaining:
                del self.orders[told.order_id]
