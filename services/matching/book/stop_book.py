"""The stops of one instrument: orders that wait for a trade at their trigger.

Owns which of them a trade elects, and in which order. They are in no book of orders, so nobody sees them. What is
elected waits here until the engine has placed it: mostly at the end of the same command, else with later ones. Leaves
to the engine the placing, and everything about users. Invariants: no order is both parked and elected; `_bids` and
`_asks` are the parked ones, nearest first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

from openoutcry.wire.types import Side
from services.matching.book.order import Order

STOPS_MAX: Final = 50_000
"""Stops of one instrument that wait; the next one is refused. To put one among them takes some 20 µs at most."""
_BID: Final = Side.BID


class StopBook:
    """The stops of one instrument."""

    __slots__ = ("_asks", "_bids", "elected", "parked")

    def __init__(self) -> None:
        self.parked: dict[int, Order] = {}
        """By id: those that wait for a trade. Read only."""
        self.elected: dict[int, Order] = {}
        """By id, in the order in which they are to be placed: those that a trade has elected. Read only."""
        # (trigger, order_id) of bids and (-trigger, order_id) of asks: a price that moves away from the last one meets
        # the first of a list first.
        self._bids: list[tuple[int, int]] = []
        self._asks: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self.parked) + len(self.elected)

    def __iter__(self) -> Iterator[Order]:
        yield from self.parked.values()
        yield from self.elected.values()

    def park(self, order: Order) -> None:
        """Have an order wait for its trigger. O(log stops), and the moving of a list."""
        self.parked[order.order_id] = order
        insort(self._bids if order.side is _BID else self._asks, _key(order))

    def remove(self, order: Order) -> None:
        """Take an order out, parked or elected. O(log stops), and the moving of a list."""
        if self.elected.pop(order.order_id, None) is None:
            del self.parked[order.order_id]
            keys = self._bids if order.side is _BID else self._asks
            del keys[bisect_left(keys, _key(order))]

    def elect(self, price: int, before: int) -> bool:
        """
        Elect what a trade triggers: bids whose trigger is at its price or below, asks whose trigger is there or above.

        Among those of one trade the trigger nearest to the price before comes first, then the lower order id. Behind
        them are those of later trades.

        Args:
            price: Of the trade, in ticks.
            before: Of the trade before, in ticks; 0: there was none.

        Returns:
            Whether any was elected. O(1) if none was, else O(log stops) each.
        """
        bids, asks = self._bids, self._asks
        bought = bisect_right(bids, (price + 1,)) if bids and bids[0][0] <= price else 0
        sold = bisect_right(asks, (1 - price,)) if asks and asks[0][0] <= -price else 0
        if not bought and not sold:
            return False
        keys = [(abs(trigger - (before or price)), order_id) for trigger, order_id in bids[:bought]]
        keys += [(abs(trigger + (before or price)), order_id) for trigger, order_id in asks[:sold]]
        del bids[:bought], asks[:sold]
        for _, order_id in sorted(keys):
            self.elected[order_id] = self.parked.pop(order_id)
        return True

    def restore_elected(self, order: Order) -> None:
        """Have an order wait to be placed, behind those that do; for recovery."""
        self.elected[order.order_id] = order

    def check_invariants(self) -> None:
        """Assert what must always hold; O(stops log stops). For tests."""
        assert not self.parked.keys() & self.elected.keys()
        for side, keys in (((Side.BID), self._bids), (Side.ASK, self._asks)):
            assert keys == sorted(_key(order) for order in self.parked.values() if order.side is side)
        for order in self:
            assert order.special is not None
            assert order.special.trigger
            assert order.remaining == order.quantity


def _key(order: Order) -> tuple[int, int]:
    assert order.special is not None
    trigger = order.special.trigger
    return (trigger if order.side is _BID else -trigger), order.order_id
