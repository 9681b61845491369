"""How many lots stand before an order of one's own, at most.

The exchange publishes lots at a price, not orders. But what it publishes bounds an order's place, whatever others do:

1. In the first state of the book that surely has the order, whatever else is at its price is before it or behind it.
   So at most the others' lots are before it.
2. What trades at its price later comes from the front of the queue. The bound falls by it.
3. At no later time are more lots before it than others have there.

Others' cancels count only by rule 3. Orders that are entered later stand behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from openoutcry.wire.messages import OpenOrder, Trade
from openoutcry.wire.types import NoSide, Side

SETTLE_S: Final = 1.0
"""An order that the account has is in the book by then at the latest, while the book is verified."""


class _Waiting:
    """An order in a queue."""

    __slots__ = ("bound", "changes", "others", "price", "remaining", "seen_at", "side", "since")

    def __init__(self, order: OpenOrder, changes: int, now: float) -> None:
        self.side = order.side
        self.price = order.price
        self.remaining = order.remaining
        self.changes = changes
        """Of the book when the order was first seen: the next change has it."""
        self.seen_at = now
        self.since: int | None = None
        """The book's seq that surely had it first; None until there is one."""
        self.bound = 0
        """By rules 1 and 2."""
        self.others: int | None = None
        """By rule 3; None if the price is outside of what is followed."""


class QueuePlaces:
    """Bounds for the orders of one book; O(open orders) a look."""

    def __init__(self) -> None:
        self._orders: dict[int, _Waiting] = {}
        self._epoch = 0

    def look(
        self,
        orders: Iterable[OpenOrder],
        trades: Iterable[Trade],
        book: tuple[int, int, int],
        levels: Mapping[Side, Mapping[int, int]],
        now: float,
    ) -> None:
        """
        Take what is known at one moment.

        Args:
            orders: The user's open orders of the instrument.
            trades: Those since the last look, in order.
            book: Its epoch, its seq, and how many changes of it were verified. All of a verified book.
            levels: By side, lots by price; own orders included.
            now: Monotonic seconds.
        """
        epoch, seq, changes = book
        if epoch != self._epoch:
            self._orders.clear()
            self._epoch = epoch
        self._keep(orders, changes, now)
        for trade in trades:
            self._trade(trade)
        for order in self._orders.values():
            lots = levels[order.side].get(order.price)
            order.others = None if lots is None else max(0, lots - order.remaining)
            is_in = changes > order.changes or now - order.seen_at >= SETTLE_S
            if order.since is None and is_in and order.others is not None:
                order.since, order.bound = seq, order.others

    def ahead(self, order_id: int) -> int | None:
        """Return how many lots stand before an order at most; None if nothing is known."""
        order = self._orders.get(order_id)
        if order is None or order.since is None or order.others is None:
            return None
        return min(order.bound, order.others)

    def forget(self) -> None:
        """Begin anew: the book was left."""
        self._orders.clear()

    def _keep(self, orders: Iterable[OpenOrder], changes: int, now: float) -> None:
        held, self._orders = self._orders, {}
        for order in orders:
            if not order.price or order.trigger:
                continue
            waiting = held.get(order.order_id)
            # One with another price, or with more lots, stands last again.
            if waiting is None or waiting.price != order.price or order.remaining > waiting.remaining:
                waiting = _Waiting(order, changes, now)
            waiting.remaining = order.remaining
            self._orders[order.order_id] = waiting

    def _trade(self, trade: Trade) -> None:
        if trade.aggressor_side == NoSide.NONE:
            return
        for order in self._orders.values():
            is_here = order.price == trade.price and order.side != trade.aggressor_side
            if is_here and order.since is not None and trade.seq > order.since:
                order.bound = max(0, order.bound - trade.quantity)
