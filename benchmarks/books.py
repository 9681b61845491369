"""Seeded books and deltas of a given size, for benchmarks that need no market."""

from __future__ import annotations

from random import Random
from typing import Final

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import book_digest
from openoutcry.wire.messages import Delta, Snapshot

INSTRUMENT: Final = "ACME"
EPOCH: Final = 4_503_599_627_370_497
TIME: Final = 1_782_864_000_123_456
MID: Final = 100_000
"""Ticks; a book of 5,000 levels a side fits below it."""
QUANTITY_MAX: Final = 500
ORDERS_MAX: Final = 9


def snapshot(depth: int, random: Random, seq: int = 1_000_000) -> Snapshot:
    """Return a book of `depth` adjacent levels a side."""
    bids = [(MID - 1 - n, 1 + random.randrange(QUANTITY_MAX), 1 + random.randrange(ORDERS_MAX)) for n in range(depth)]
    asks = [(MID + 1 + n, 1 + random.randrange(QUANTITY_MAX), 1 + random.randrange(ORDERS_MAX)) for n in range(depth)]
    digest = book_digest([(p, q) for p, q, _ in bids], [(p, q) for p, q, _ in asks])
    return Snapshot(INSTRUMENT, EPOCH, seq, TIME, 0, bids, asks, digest)


def book(depth: int, random: Random) -> DepthBook:
    """Return a replica of such a book."""
    replica = DepthBook(INSTRUMENT)
    replica.load(snapshot(depth, random))
    return replica


def delta(replica: DepthBook, changes: int, random: Random) -> Delta:
    """Change this many levels of a replica, drawn from all of them, to other quantities, and return the delta."""
    prices = [*replica.bids.prices(), *replica.asks.prices()]
    bids: list[tuple[int, int]] = []
    asks: list[tuple[int, int]] = []
    for price in random.sample(prices, min(changes, len(prices))):
        side, levels = (replica.bids, bids) if price < MID else (replica.asks, asks)
        quantity = 1 + (side.quantities[price] + random.randrange(QUANTITY_MAX - 1)) % QUANTITY_MAX
        side.set(price, quantity)
        levels.append((price, quantity))
    prev_seq, replica.seq = replica.seq, replica.seq + changes
    return Delta(INSTRUMENT, prev_seq, replica.seq, TIME + replica.seq, 0, bids, asks, replica.digest)
