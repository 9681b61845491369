"""lightmatchingengine: price levels as lists in a dictionary; the best is looked for among all of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from lightmatchingengine.lightmatchingengine import LightMatchingEngine, OrderBook, Side

from benchmarks.engine.contestant import Standing
from benchmarks.engine.flow import CANCEL, IOC, LIMIT, MARKET, Row

_SYMBOL = "ACME"
_SIDES = (Side.BUY, Side.SELL)


class Peer:
    """
    Everything it does goes through `add_order` and `cancel_order`.

    It has no order that does not rest, so the rest of one is cancelled by a second call. It cannot be asked to cancel
    an order that was filled (it stops at an assertion of its own), so the order it gave back is asked first.
    """

    version = version("lightmatchingengine")
    kinds = LIMIT + IOC + MARKET + CANCEL

    def __init__(self) -> None:
        self.engine = LightMatchingEngine()
        self._orders: dict[int, Any] = {}
        self._trades = 0

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Name sides; 0 is a market order's price here as well."""
        return [(row.kind, row.order_id, _SIDES[row.side], row.price, row.quantity) for row in rows]

    def play(self, commands: Sequence[Any]) -> None:
        """Apply each."""
        orders, add_order, cancel_order = self._orders, self.engine.add_order, self.engine.cancel_order
        for kind, order_id, side, price, quantity in commands:
            if kind != CANCEL:
                order, trades = add_order(_SYMBOL, price, quantity, side)
                orders[order_id] = order
                if trades:
                    # Each match is told twice, and the taker's matches at one price together.
                    self._trades += sum(trade.order_id != order.order_id for trade in trades)
                if kind != LIMIT and order.leaves_qty:
                    cancel_order(order.order_id, _SYMBOL)
            elif orders[order_id].leaves_qty:
                cancel_order(orders[order_id].order_id, _SYMBOL)

    def apply(self, command: Any) -> None:
        """Apply one."""
        self.play((command,))

    def standing(self) -> Standing:
        """Return what is left."""
        book = self.engine.order_books.get(_SYMBOL, OrderBook())
        sides = [[order for level in side.values() for order in level] for side in (book.bids, book.asks)]
        lots = [sum(order.leaves_qty for order in side) for side in sides]
        return Standing(self._trades, sum(map(len, sides)), *lots)
