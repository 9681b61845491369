"""A book by the protocol's text alone: "The client's rule" and "Digest" of docs/protocol.md.

The exchange's engine, gateways and Python client share one book and one digest. A fault in these would be on both sides
of every comparison, and never be seen; so what judges them has its own. As plain as it can be: levels in a dict, the
digest from nothing each time, O(levels).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

LEVELS_REMEMBERED: Final = 1 << 14
"""Hashes that are not computed again: most levels of a book are those of the change before."""
Levels = Iterable[Sequence[int]]
"""`[price, quantity]`, or more numbers that do not count here."""


def mix(x: int) -> int:
    """Scramble 32 bits, as the document says."""
    x = x % 2**32
    x = x ^ x >> 16
    x = x * 0x7FEB352D % 2**32
    x = x ^ x >> 15
    x = x * 0x846CA68B % 2**32
    return x ^ x >> 16


@lru_cache(maxsize=LEVELS_REMEMBERED)
def level_hash(side: int, price: int, lots: int) -> int:
    """Hash one level: of a bid, side 0, or of an ask, side 1."""
    return mix(mix(price ^ side << 31) ^ lots)


def digest(bids: Mapping[int, int], asks: Mapping[int, int]) -> int:
    """Sum the hashes of all levels; quantity by price."""
    hashes = [level_hash(side, *level) for side, levels in ((0, bids), (1, asks)) for level in levels.items()]
    return sum(hashes) % 2**32


class PlainBook:
    """
    The levels of one book, or of one window of it, and where they stand.

    Args:
        instrument: Symbol.
        depth: Levels a side that were asked for; 0 is all of them.
    """

    def __init__(self, instrument: str, depth: int = 0) -> None:
        self.instrument = instrument
        self.depth = depth
        self.epoch = 0
        self.seq = 0
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    @property
    def digest(self) -> int:
        """The digest of the levels as they stand."""
        return digest(self.bids, self.asks)

    def load(self, epoch: int, seq: int, bids: Levels, asks: Levels) -> None:
        """Rule 1: a snapshot replaces the book."""
        self.epoch, self.seq = epoch, seq
        self.bids, self.asks = ({level[0]: level[1] for level in levels} for levels in (bids, asks))

    def change(self, seq: int, bids: Levels, asks: Levels) -> None:
        """Rule 3: each level's quantity replaces, 0 removes. Whether the change follows is the caller's to ask."""
        self.seq = seq
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, lots, *_ in levels:
                if lots:
                    side[price] = lots
                else:
                    side.pop(price, None)
