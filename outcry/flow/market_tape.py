"""Counts what the feed has shown since listening began: the measured side of every rate.

Owns counting. Changes are advances of `seq`, summed over all books, so a packet that merges ten changes counts ten.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from openoutcry.wire.types import Code, NoSide
from shared.logs.packet import Packet


class TapeCounts(NamedTuple):
    """Sums since the beginning."""

    changes: int
    """Book changes published: the sum of all advances of `seq`."""
    deltas: int
    """Merged changes published, one a touched book and packet."""
    packets: int
    trades: int
    auction_trades: int
    """Those of them that were made where a call ended."""


class MarketTape:
    """
    Counters over the packets of a feed.

    Args:
        source: Whose refused commands to count.
    """

    def __init__(self, source: str) -> None:
        self.changes = 0
        self.deltas = 0
        self.packets = 0
        self.trades = 0
        self.auction_trades = 0
        self.epoch = 0
        self.seqs: dict[str, int] = {}
        """Instrument to the last seq published since the beginning."""
        self.answered = 0
        """The source's commands that the engine has carried out or refused."""
        self.refused: Counter[Code] = Counter()
        """The source's commands that the engine refused, by code."""
        self._source = source

    @property
    def counts(self) -> TapeCounts:
        """The sums as they stand."""
        return TapeCounts(self.changes, self.deltas, self.packets, self.trades, self.auction_trades)

    def add(self, packet: Packet) -> None:
        """Count a packet; O(its content)."""
        self.epoch = packet.epoch
        self.packets += 1
        self.deltas += len(packet.changes)
        self.trades += len(packet.trades)
        self.auction_trades += sum(trade.aggressor_side == NoSide.NONE for trade in packet.trades)
        for change in packet.changes:
            self.changes += change.seq - change.prev_seq
            self.seqs[change.instrument] = change.seq
        for outcome in packet.outcomes:
            if outcome.source == self._source:
                self.answered += 1
                if outcome.code:
                    self.refused[Code(outcome.code)] += 1
