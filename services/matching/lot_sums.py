"""How many lots and orders stand below a price: what tells whether a fill-or-kill order can be filled, without a walk.

Owns sums over ranges of prices: 16 prices, 16 such ranges, and so on, as a tree of hexadecimal digits.
Only ranges that hold something are kept; single prices are the book's own levels. A sum is one integer, orders above
lots, so that both cost as much as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.matching.price_level import PriceLevel

LOTS_BITS: Final = 64
"""Of a sum: 2**31 prices of at most 2**32 - 1 lots each stay below."""
ONE_ORDER: Final = 1 << LOTS_BITS
LOTS_MASK: Final = ONE_ORDER - 1
_RANGES: Final = 7
"""Hexadecimal digits of a price, which is below 2**31, but for the last."""


class LotSums:
    """
    Lots and orders by price, to be summed; `orders * ONE_ORDER + lots`, everywhere.

    Args:
        levels: The book's own, by price; whoever changes one says so by `add`. O(levels), about 0.7 µs each.
    """

    __slots__ = ("_levels", "_ranges", "total")

    def __init__(self, levels: Mapping[int, PriceLevel]) -> None:
        self._levels = levels
        # By digits left out, each: the price without them to its sum.
        self._ranges: list[dict[int, int]] = []
        lower = {price: level.orders * ONE_ORDER + level.quantity for price, level in levels.items()}
        self.total = sum(lower.values())
        """At all prices."""
        for _ in range(_RANGES):
            sums: dict[int, int] = {}
            for price, held in lower.items():
                place = price >> 4
                sums[place] = sums.get(place, 0) + held
            self._ranges.append(sums)
            lower = sums

    def add(self, price: int, more: int) -> None:
        """Count more, or less (below 0), at a price from 0 to 2**31 - 1; O(1), 7 steps."""
        self.total += more
        for sums in self._ranges:
            price >>= 4
            now = sums.get(price, 0) + more
            if now:
                sums[price] = now
            else:
                del sums[price]

    def below(self, price: int) -> int:
        """Return the sum of all prices below one, from 0 to 2**31; O(1), 15 look-ups for each of 8 digits at most."""
        found = 0
        for at in range(price & ~15, price):
            found += self._at(at)
        for sums in self._ranges:
            price >>= 4
            for place in range(price & ~15, price):
                found += sums.get(place, 0)
        return found

    def reach(self, lots: int, *, from_top: bool) -> tuple[int, int]:
        """
        Return the price at which so many lots are reached, from the lowest price on or the highest, and the sum before.

        There must be so many. O(1), 16 look-ups for each of 8 digits at most.
        """
        before = place = 0
        for sums in reversed(self._ranges):
            place, before = _step(sums, place << 4, before, lots, from_top)
        lowest = place << 4
        last = {at: self._at(at) for at in range(lowest, lowest + 16)}
        return _step(last, lowest, before, lots, from_top)

    def check_invariants(self) -> None:
        """Assert what must always hold; O(prices). For tests."""
        assert all(sum(sums.values()) == self.total for sums in self._ranges)
        assert all(held > 0 for sums in self._ranges for held in sums.values())

    def _at(self, price: int) -> int:
        level = self._levels.get(price)
        return 0 if level is None else level.orders * ONE_ORDER + level.quantity


def _step(sums: Mapping[int, int], lowest: int, before: int, lots: int, from_top: bool) -> tuple[int, int]:  # noqa: FBT001
    """Return in which of 16 places so many lots are reached, and the sum before it."""
    places = range(lowest + 15, lowest - 1, -1) if from_top else range(lowest, lowest + 16)
    for place in places:
        after = before + sums.get(place, 0)
        if after & LOTS_MASK >= lots:
            return place, before
        before = after
    raise AssertionError(f"there are no {lots} lots")
