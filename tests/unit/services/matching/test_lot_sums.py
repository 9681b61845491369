"""Lots and orders below a price, against a sum over all of them."""

from __future__ import annotations

import random

import pytest

from openoutcry.wire.types import PRICE_MAX
from services.matching.lot_sums import LOTS_MASK, ONE_ORDER, LotSums
from services.matching.price_level import PriceLevel


def held(level: PriceLevel) -> int:
    return level.orders * ONE_ORDER + level.quantity


@pytest.mark.parametrize("spread", [40, 5_000, PRICE_MAX + 1])
def test_sums_are_those_of_all_prices_below(spread: int) -> None:
    """Whatever the distance of prices, at every border between two ranges too; what is taken away leaves nothing."""
    drawn = random.Random(spread)
    levels: dict[int, PriceLevel] = {}
    sums = LotSums(levels)
    for n in range(300):
        price, more = drawn.randrange(spread), drawn.randrange(1, 9)
        level = levels.setdefault(price, PriceLevel(price))
        level.quantity += more
        level.orders += 1
        sums.add(price, ONE_ORDER + more)
        if n == 200:
            sums = LotSums(levels)  # the rest is added to what is there
    borders = [16**digits * place for digits in range(8) for place in (1, 2, 7)]
    for price in [0, 1, PRICE_MAX + 1, *levels, *borders, *(drawn.randrange(spread) for _ in range(200))]:
        assert sums.below(price) == sum(held(level) for at, level in levels.items() if at < price)
    sums.check_invariants()
    for from_top in (False, True):
        before = 0
        for price in sorted(levels, reverse=from_top):
            after = before + held(levels[price])
            for lots in ((before & LOTS_MASK) + 1, after & LOTS_MASK):
                assert sums.reach(lots, from_top=from_top) == (price, before)
            before = after
    for price in list(levels):
        sums.add(price, -held(levels.pop(price)))
    assert (sums.total, sums.below(PRICE_MAX + 1)) == (0, 0)
    sums.check_invariants()
