"""liquibook: C++ behind SWIG. Every order is a C++ object, and every answer a call back into Python."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import liquibook

from benchmarks.engine.contestant import Standing
from benchmarks.engine.flow import BID, CANCEL, IOC, LIMIT, MARKET, REDUCE, Row


class Peer:
    """
    Orders are made within the time, as ours are: the book changes them.

    Its listeners are how a caller learns of fills; all of an order listener's methods have to be there.
    """

    version = version("liquibook")
    kinds = LIMIT + IOC + MARKET + CANCEL + REDUCE

    def __init__(self) -> None:
        self.book = liquibook.DepthOrderBook()
        self.book.set_symbol("ACME")
        self._listener = _Listener()
        self.book.set_order_listener(self._listener)
        self._orders: dict[int, Any] = {}

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Numbers are what it takes; 0 is a market order's price here as well."""
        return [(row.kind, row.order_id, row.side == BID, row.price, row.quantity) for row in rows]

    def play(self, commands: Sequence[Any]) -> None:
        """Apply each."""
        orders, order_of = self._orders, liquibook.SimpleOrder
        add, cancel, replace = self.book.add, self.book.cancel, self.book.replace
        conditions, ioc = liquibook.oc_no_conditions, liquibook.oc_immediate_or_cancel
        for kind, order_id, buys, price, quantity in commands:
            if kind == LIMIT:
                orders[order_id] = order = order_of(buys, price, quantity, 0, conditions)
                add(order, conditions)
            elif kind == CANCEL:
                cancel(orders[order_id])
            elif kind == REDUCE:
                order = orders[order_id]
                replace(order, -quantity, order.price())
            else:
                orders[order_id] = order = order_of(buys, price, quantity, 0, ioc)
                add(order, ioc)

    def apply(self, command: Any) -> None:
        """Apply one."""
        self.play((command,))

    def standing(self) -> Standing:
        """Return what is left."""
        sides = [[tracker.open_qty() for _, tracker in side.items()] for side in (self.book.bids(), self.book.asks())]
        return Standing(self._listener.trades, sum(map(len, sides)), *map(sum, sides))


class _Listener(liquibook.OrderListener):  # type: ignore[misc] # the package has no types
    """Counts the fills."""

    def __init__(self) -> None:
        liquibook.OrderListener.__init__(self)
        self.trades = 0

    def on_fill(self, *_: object) -> None:
        self.trades += 1

    def on_accept(self, *_: object) -> None:
        """Nobody asks."""

    on_reject = on_cancel = on_cancel_reject = on_replace = on_replace_reject = on_trigger_stop = on_accept
