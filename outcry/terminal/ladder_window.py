"""Which rows of a ladder are on the screen: the spread in the middle, or wherever the cursor is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from outcry.terminal.ladder_rows import LadderRow

SPREAD: Final = "spread"
"""Stands between the sides."""


def window(
    bids: Sequence[LadderRow], asks: Sequence[LadderRow], height: int, chosen: int | None
) -> list[LadderRow | str | None]:
    """
    Return `height` lines from above: rows, the spread, and None where nothing stands.

    Args:
        bids: Best first.
        asks: Best first.
        height: Lines, from 1.
        chosen: Price to keep in sight; None: the spread in the middle.
    """
    above = height // 2
    lines: list[LadderRow | str | None] = [None] * max(0, above - len(asks))
    lines += [*reversed(asks), SPREAD, *bids]
    lines += [None] * height
    start = max(0, len(asks) - above)
    place = next((at for at, line in enumerate(lines) if isinstance(line, LadderRow) and line.price == chosen), None)
    if chosen is not None and place is not None:
        start = min(start, place)
        start = max(start, place - height + 1)
    return lines[start : start + height]


def step(bids: Sequence[LadderRow], asks: Sequence[LadderRow], chosen: int | None, down: int) -> int | None:
    """
    Return the price so many rows further down (negative: up), at most to the end; None if there are none.

    Without a row chosen it is the best bid, or the best ask. One that is gone counts as the next one below.
    """
    prices = [row.price for row in (*reversed(asks), *bids)]
    if not prices:
        return None
    if chosen is None:
        return bids[0].price if bids else asks[0].price
    if chosen in prices:
        place = prices.index(chosen) + down
    else:
        below = next((at for at, price in enumerate(prices) if price < chosen), len(prices) - 1)
        place = below + down if down < 0 else below
    return prices[min(max(place, 0), len(prices) - 1)]
