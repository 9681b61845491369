"""order-matching: orders as dataclasses of floats, sorted by time whenever one comes, and looked for one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from loguru import logger
from order_matching.enums import Side
from order_matching.matching_engine import MatchingEngine
from order_matching.order import LimitOrder, MarketOrder, Order
from order_matching.orders import Orders

from benchmarks.engine.contestant import Standing
from benchmarks.engine.flow import CANCEL, IOC, LIMIT, MARKET, Row

_SIDES = (Side.BUY, Side.SELL)
_OPENING = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # it compares with a time that has no zone


class Peer:
    """
    Each order is placed and matched at once, a microsecond after the one before: time is its order of arrival.

    Orders are made within the time, as ours are: the book changes them. It has no order that does not rest, so the
    rest of one is cancelled by a second call. What it writes to its log is switched off.
    """

    version = version("order-matching")
    kinds = LIMIT + IOC + MARKET + CANCEL

    def __init__(self) -> None:
        logger.disable("order_matching")
        self.engine = MatchingEngine(seed=1)
        self._now = _OPENING
        self._trades = 0

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Name sides, orders and traders."""
        return [
            (row.kind, str(row.order_id), _SIDES[row.side], float(row.price), float(row.quantity), str(row.account))
            for row in rows
        ]

    def play(self, commands: Sequence[Any]) -> None:
        """Apply each."""
        for kind, name, side, price, size, trader in commands:
            self._now += timedelta(microseconds=1)
            if kind == CANCEL:
                self._cancel(name)
            elif kind == MARKET:
                order = MarketOrder(side=side, size=size, timestamp=self._now, order_id=name, trader_id=trader)
                self._place(order, rests=False)
            else:
                limit = LimitOrder(
                    side=side, price=price, size=size, timestamp=self._now, order_id=name, trader_id=trader
                )
                self._place(limit, rests=kind == LIMIT)

    def apply(self, command: Any) -> None:
        """Apply one."""
        self.play((command,))

    def standing(self) -> Standing:
        """Return what is left."""
        book = self.engine.unprocessed_orders
        sides = [[order for level in side.values() for order in level] for side in (book.bids, book.offers)]
        lots = [round(sum(order.size for order in side)) for side in sides]
        return Standing(self._trades, sum(map(len, sides)), *lots)

    def _place(self, order: Order, *, rests: bool) -> None:
        self.engine.place(Orders([order]))
        self._trades += len(self.engine.match(self._now))
        if not rests and order.size:
            self.engine.cancel_order(order.order_id)

    def _cancel(self, name: str) -> None:
        try:
            self.engine.cancel_order(name)
        except ValueError:
            return  # The order has ended: this is its answer.
