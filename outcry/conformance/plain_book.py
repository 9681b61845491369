"""A book by the protocol's text alone: "The client's rule" and "Digest" of docs/protocol.md.

The exchange's engine, gateways and Python client share one book and one digest. A fault in these would be on both sides
of every comparison, and never be seen; so what judges them has its own. As plain as it can be: levels in a dict, the
digest from nothing each time, O(levels).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


def digest(bids: dict[int, int], asks: dict[int, int]) -> int:
    """Sum the hashes of all levels; quantity by price."""
    hashes = [mix(mix(price ^ side << 31) ^ lots) for side in (0, 1) for price, lots in (bids, asks)[side].items()]
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
