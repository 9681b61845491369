"""How many lots stand below a price: what tells whether a fill-or-kill order can be filled, without a walk.

Owns sums of quantities over ranges of prices: 16 prices, 16 such ranges, and so on, as a tree of hexadecimal digits.
Only ranges that hold something are kept; single prices are the book's own levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.matching.price_level import PriceLevel

_RANGES: Final = 7
"""Hexadecimal digits of a price, which is below 2**31, but for the last."""


class LotSums:
    """
    Lots by price, to be summed.

    Args:
        levels: The book's own, by price; whoever changes one says so by `add`. O(levels), about 0.2 µs each.
    """

    __slots__ = ("_levels", "_ranges", "total")

    def __init__(self, levels: Mapping[int, PriceLevel]) -> None:
        self._levels = levels
        # By digits left out, each: the price without them to lots.
        self._ranges: list[dict[int, int]] = []
        lower = {price: level.quantity for price, level in levels.items()}
        self.total = sum(lower.values())
        """Lots at all prices."""
        for _ in range(_RANGES):
            sums: dict[int, int] = {}
            for price, lots in lower.items():
                place = price >> 4
                sums[place] = sums.get(place, 0) + lots
            self._ranges.append(sums)
            lower = sums

    def add(self, price: int, lots: int) -> None:
        """Count lots, or fewer (below 0), at a price from 0 to 2**31 - 1; O(1), 7 steps."""
        self.total += lots
        for sums in self._ranges:
            price >>= 4
            now = sums.get(price, 0) + lots
            if now:
                sums[price] = now
            else:
                del sums[price]

    def below(self, price: int) -> int:
        """Return the lots at all prices below one, from 0 to 2**31; O(1), 15 look-ups for each of 8 digits at most."""
        lots = 0
        for at in range(price & ~15, price):
            level = self._levels.get(at)
            if level is not None:
                lots += level.quantity
        for sums in self._ranges:
            price >>= 4
            for place in range(price & ~15, price):
                lots += sums.get(place, 0)
        return lots

    def check_invariants(self) -> None:
        """Assert what must always hold; O(prices). For tests."""
        assert all(sum(sums.values()) == self.total for sums in self._ranges)
        assert all(lots > 0 for sums in self._ranges for lots in sums.values())
