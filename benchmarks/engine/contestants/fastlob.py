"""fastlob: decimals throughout, and by its own words "not well named"; a thread of its own looks for expired orders."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastlob import OrderParams, OrderSide
from fastlob.consts import MAX_VALUE
from fastlob.lob import Orderbook

from benchmarks.engine.contestant import Standing
from benchmarks.engine.flow import CANCEL, IOC, LIMIT, MARKET, REDUCE, Row

_SIDES = (OrderSide.BID, OrderSide.ASK)
_ANY_PRICE = (MAX_VALUE, 1)
"""A bid's and an offer's: it has no market orders."""


class Peer:
    """
    `OrderParams` are made before, being a caller's values; what it writes to its log is switched off.

    It has no order that does not rest, so the rest of one is cancelled by a second call.
    """

    version = version("fastlob")
    kinds = LIMIT + IOC + MARKET + CANCEL + REDUCE

    def __init__(self) -> None:
        logging.disable()
        self.book = Orderbook(start=True)
        self._ids: dict[int, str] = {}

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Make parameters."""
        return [(row.kind, row.order_id, row.quantity, _parameters(row)) for row in rows]

    def play(self, commands: Sequence[Any]) -> None:
        """Apply each."""
        book, ids = self.book, self._ids
        process, cancel = book.process, book.cancel
        for kind, order_id, quantity, parameters in commands:
            if parameters is not None:
                ids[order_id] = name = process(parameters).orderid()
                if kind != LIMIT:
                    cancel(name)
            elif kind == CANCEL:
                cancel(ids[order_id])
            else:
                self._reduce(ids[order_id], quantity)

    def apply(self, command: Any) -> None:
        """Apply one."""
        self.play((command,))

    def standing(self) -> Standing:
        """Return what is left, and end its thread. It counts the orders that it matched whole, not the trades."""
        book = self.book
        levels = [*book.best_bids(book.n_bids()), *book.best_asks(book.n_asks())]
        orders = sum(count for _, _, count in levels)
        book.stop()
        return Standing(None, orders, int(book.bids_volume()), int(book.asks_volume()))

    def _reduce(self, name: str, quantity: int) -> None:
        status = self.book.get_status(name)
        if status is not None and status[1] > quantity:
            self.book.update(name, status[1] - quantity)
        else:
            self.book.cancel(name)


def _parameters(row: Row) -> Any:
    if row.kind in CANCEL + REDUCE:
        return None
    price = _ANY_PRICE[row.side] if row.kind == MARKET else row.price
    return OrderParams(_SIDES[row.side], price, row.quantity)
