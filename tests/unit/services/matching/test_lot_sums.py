"""Lots below a price, against a sum over all of them."""

from __future__ import annotations

import random

import pytest

from services.matching.lot_sums import LotSums
from services.matching.price_level import PriceLevel
from shared.types import PRICE_MAX


@pytest.mark.parametrize("spread", [40, 5_000, PRICE_MAX + 1])
def test_sums_are_those_of_all_prices_below(spread: int) -> None:
    """Whatever the distance of prices, at every border between two ranges too; what is taken away leaves nothing."""
    drawn = random.Random(spread)
    levels: dict[int, PriceLevel] = {}
    sums = LotSums(levels)
    for n in range(300):
        price, more = drawn.randrange(spread), drawn.randrange(1, 9)
        levels.setdefault(price, PriceLevel(price)).quantity += more
        sums.add(price, more)
        if n == 200:
            sums = LotSums(levels)  # the rest is added to what is there
    borders = [16**digits * place for digits in range(8) for place in (1, 2, 7)]
    for price in [0, 1, PRICE_MAX + 1, *levels, *borders, *(drawn.randrange(spread) for _ in range(200))]:
        assert sums.below(price) == sum(level.quantity for at, level in levels.items() if at < price)
    sums.check_invariants()
    for price in list(levels):
        sums.add(price, -levels.pop(price).quantity)
    assert (sums.total, sums.below(PRICE_MAX + 1)) == (0, 0)
    sums.check_invariants()
