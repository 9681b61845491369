"""limit-order-book: C++ behind ctypes. It tells nobody what traded; what is left can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from limit_order_book import LimitOrderBook

from benchmarks.engine.contestant import Standing
from benchmarks.engine.flow import CANCEL, IOC, LIMIT, MARKET, Row

_ENDING = CANCEL + IOC


class Peer:
    """
    One call a command.

    Cancelling an order that has ended would end the process with a C++ exception, so `has` is asked first. Its C++ can
    reduce orders, its Python cannot.
    """

    version = version("limit_order_book")
    kinds = LIMIT + IOC + MARKET + CANCEL

    def __init__(self) -> None:
        self.book = LimitOrderBook()

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Numbers are what it takes."""
        return [(row.kind, row.order_id, row.side, row.price, row.quantity) for row in rows]

    def play(self, commands: Sequence[Any]) -> None:
        """Apply each."""
        book = self.book
        limits, markets = (book.limit_buy, book.limit_sell), (book.market_buy, book.market_sell)
        has, cancel = book.has, book.cancel
        for kind, order_id, side, price, quantity in commands:
            if kind == MARKET:
                markets[side](order_id, quantity)
            elif kind != CANCEL:
                limits[side](order_id, quantity, price)
            if kind in _ENDING and has(order_id):
                cancel(order_id)

    def apply(self, command: Any) -> None:
        """Apply one."""
        self.play((command,))

    def standing(self) -> Standing:
        """Return what is left."""
        return Standing(None, self.book.count(), self.book.volume_buy(), self.book.volume_sell())
