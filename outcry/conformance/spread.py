"""The room between the best bid and the best offer: how wide it is, and how to find or make a free price in it."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.messages import Level, Snapshot
from openoutcry.wire.types import PRICE_MAX, Side

PRICE_IN_EMPTY_BOOK: Final = 5_000
"""Ticks; where the kit trades when nobody else does."""


def width(top: Snapshot) -> int:
    """Return how wide a spread is, in ticks; wider than any if a side is empty, and wider still if both are."""
    if top.bids and top.asks:
        return top.asks[0][0] - top.bids[0][0]
    return PRICE_MAX if top.bids or top.asks else 2 * PRICE_MAX


def price_between(top: Snapshot, price_max: int) -> int | None:
    """Return a price above every bid and below every offer, next to the bid; None if there is none."""
    ask = top.asks[0][0] if top.asks else price_max + 1
    if top.bids:
        price = top.bids[0][0] + 1
        return price if price < ask else None
    price = min(PRICE_IN_EMPTY_BOOK, ask // 2)
    return price if 1 < price < ask else None


def way_through(top: Snapshot) -> tuple[Side, Level]:
    """Return which of the two best levels has fewer lots, and the side of an order that takes it; both must be."""
    if top.bids[0][1] < top.asks[0][1]:
        return Side.ASK, top.bids[0]
    return Side.BID, top.asks[0]
