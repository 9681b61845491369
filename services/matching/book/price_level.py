"""One price of one side: a queue of resting orders in order of arrival.

Owns time priority. The queue is linked through the orders themselves, so that an order leaves from anywhere in O(1).
Invariants: `quantity` is the sum of the orders' remaining lots and `orders` their number; neither is 0 in a book.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from services.matching.book.order import Order

NOT_TOLD: Final = 1 << 32
"""`told` of a level that has never been published: no level's hash, and 0 in a sum modulo 2**32."""


class PriceLevel:
    """
    The resting orders at one price, first come first.

    Args:
        price: Ticks.
        key: What the digest makes of side and price; a level's hash is `mix(key ^ quantity)`, modulo 2**32.
    """

    __slots__ = ("first", "key", "last", "orders", "price", "quantity", "told", "touched")

    def __init__(self, price: int, key: int = 0) -> None:
        self.price = price
        self.key = key
        self.quantity = 0
        """Lots of all orders together."""
        self.orders = 0
        """How many orders."""
        self.first: Order | None = None
        self.last: Order | None = None
        # The side's notes on what it has to tell.
        self.touched = False
        """Whether it has changed since the side's changes were taken."""
        self.told = NOT_TOLD
        """Its hash when the side's changes were taken last."""

    def __iter__(self) -> Iterator[Order]:
        order = self.first
        while order is not None:
            yield order
            order = order.after

    def append(self, order: Order) -> None:
        """Put an order last in the queue; O(1)."""
        last = self.last
        if last is None:
            self.first = order
        else:
            last.after = order
            order.before = last
        self.last = order
        self.quantity += order.remaining
        self.orders += 1

    def remove(self, order: Order) -> None:
        """Take an order out, wherever it stands; O(1)."""
        before, after = order.before, order.after
        if before is None:
            self.first = after
        else:
            before.after = after
        if after is None:
            self.last = before
        else:
            after.before = before
        order.before = order.after = None
        self.quantity -= order.remaining
        self.orders -= 1

    def check_invariants(self) -> None:
        """Assert what must always hold; O(orders). For tests."""
        queue = list(self)
        assert queue
        assert self.first is queue[0]
        assert self.last is queue[-1]
        assert self.orders == len(queue)
        assert self.quantity == sum(order.remaining for order in queue)
        assert all(order.price == self.price and order.remaining > 0 for order in queue)
        assert all(left is right.before for left, right in pairwise(queue))
