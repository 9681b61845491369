"""One side of a book: its price levels, the best of them, and which have changed.

Prices stand in a heap whose dead entries are dropped when they come to the top, or all at once when they are many:
measured at half the cost of a sorted dictionary, and nothing here needs all prices in order but a snapshot.
Invariants: every price of `levels` is in the heap; the heap is at most HEAP_SLACK entries above twice the levels.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush, nsmallest
from typing import Final

from services.matching.order import Order
from services.matching.price_level import PriceLevel
from shared.digest import ASK, BID, MASK, mix
from shared.messages import Level
from shared.types import PRICE_MAX, Side

HEAP_SLACK: Final = 64
"""Dead heap entries that are always tolerated, so that small books do not compact all the time."""
NO_BID: Final = 0
"""`best_price` of an empty bid side: worse than every bid."""
NO_ASK: Final = PRICE_MAX + 1
"""`best_price` of an empty ask side: worse than every ask."""


class BookSide:
    """
    The levels of one side.

    Args:
        side: Which.
    """

    __slots__ = (
        "_digest",
        "_empty_price",
        "_hashes",
        "_heap",
        "_side_bit",
        "_sign",
        "_touched",
        "best_price",
        "levels",
        "side",
    )

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: dict[int, PriceLevel] = {}
        """By price, in no particular order. Read only."""
        self._touched: dict[int, None] = {}  # prices changed since the last take_changes, in order of first touch
        self._hashes: dict[int, int] = {}  # of the levels as they were at the last take_changes, by price
        self._digest = 0  # the sum of _hashes, modulo 2**32
        self._side_bit = (BID if side is Side.BID else ASK) << 31
        self._sign, self._empty_price = (-1, NO_BID) if side is Side.BID else (1, NO_ASK)
        self.best_price = self._empty_price
        """Of the best level in ticks; NO_BID or NO_ASK when there is none."""
        self._heap: list[int] = []

    def append(self, order: Order) -> None:
        """Put an order last at its price; O(1), or O(log levels) when it opens the level."""
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self._open(price)
        self._touched[price] = None
        level.append(order)

    def remove(self, order: Order) -> None:
        """Take an order out; O(1), or amortised O(log levels) when it was its level's last."""
        price = order.price
        level = self.levels[price]
        self._touched[price] = None
        level.remove(order)
        if level.first is None:
            self._close(price)

    def reduce(self, order: Order, remaining: int) -> None:
        """Lower an order's remaining lots to a number above 0, keeping its place; O(1)."""
        level = self.levels[order.price]
        self._touched[order.price] = None
        level.quantity -= order.remaining - remaining
        order.remaining = remaining

    def prices(self, depth: int = 0) -> list[int]:
        """Return the best `depth` prices, best first; 0 is all of them. O(levels log levels)."""
        if depth and depth < len(self.levels):
            found = nsmallest(depth, (price * self._sign for price in self.levels))
            return [price * self._sign for price in found]
        return sorted(self.levels, reverse=self._sign < 0)

    def depth(self, levels: int = 0) -> list[Level]:
        """Return the best levels as [price, quantity, orders], best first; 0 is all of them. O(levels log levels)."""
        return [[price, (level := self.levels[price]).quantity, level.orders] for price in self.prices(levels)]

    @property
    def digest(self) -> int:
        """This side's part of the book's digest, as it stands; O(levels touched since `take_changes`)."""
        digest = self._digest
        for price in self._touched:
            digest += self._hash(price) - self._hashes.get(price, 0)
        return digest & MASK

    def take_changes(self) -> list[Level]:
        """
        Return what has changed since the last call as [price, quantity, orders], and begin anew.

        Quantity is 0 where a level is gone; one that came and went in between is no news. O(levels touched).
        """
        changed: list[Level] = []
        hashes, digest = self._hashes, self._digest
        for price in self._touched:
            level = self.levels.get(price)
            before = hashes.pop(price, None)
            if level is not None:
                hashes[price] = now = self._hash(price)
                digest += now - (before or 0)
                changed.append([price, level.quantity, level.orders])
            elif before is not None:
                digest -= before
                changed.append([price, 0, 0])
        self._digest = digest & MASK
        self._touched.clear()
        return changed

    def _hash(self, price: int) -> int:
        # `level_digest` without its cache: the quantity of a busy level rarely comes back.
        level = self.levels.get(price)
        return mix(mix(price ^ self._side_bit) ^ level.quantity) if level is not None else 0

    def _open(self, price: int) -> PriceLevel:
        level = self.levels[price] = PriceLevel(price)
        heappush(self._heap, price * self._sign)
        if price * self._sign < self.best_price * self._sign or len(self.levels) == 1:
            self.best_price = price
        return level

    def _close(self, price: int) -> None:
        levels, heap = self.levels, self._heap
        del levels[price]
        if len(heap) > 2 * len(levels) + HEAP_SLACK:
            heap[:] = [live * self._sign for live in levels]
            heapify(heap)
        if price == self.best_price:
            while heap and heap[0] * self._sign not in levels:
                heappop(heap)
            self.best_price = heap[0] * self._sign if heap else self._empty_price

    def check_invariants(self) -> None:
        """Assert what must always hold; O(orders). For tests."""
        for price, level in self.levels.items():
            assert level.price == price
            level.check_invariants()
        queued = {price * self._sign for price in self._heap}
        assert self.levels.keys() <= queued
        assert len(self._heap) <= 2 * len(self.levels) + HEAP_SLACK + 1
        best = self.prices(1)
        assert self.best_price == (best[0] if best else self._empty_price)
