"""What trades add up to: last, first, highest and lowest price, and the volume.

Owns one rule, for the engine that trades and for the gateways that hear of it. Leaves to others since when trades
count.
"""

from __future__ import annotations


class TradeStatistics:
    """
    An instrument's trades in five numbers.

    Args:
        last: Price of the last trade in ticks; 0 if there was none, like the next three.
        opening: Price of the first one.
        high: The highest.
        low: The lowest.
        volume: Lots traded.
    """

    __slots__ = ("high", "last", "low", "open", "volume")

    def __init__(self, last: int = 0, opening: int = 0, high: int = 0, low: int = 0, volume: int = 0) -> None:
        self.last = last
        self.open = opening
        self.high = high
        self.low = low
        self.volume = volume

    def record(self, price: int, quantity: int) -> None:
        """Take the next trade; O(1). A field of another type raises TypeError, and nothing has changed then."""
        volume = self.volume + quantity
        self.high = max(self.high, price)
        if not self.last:
            self.open = self.low = price
        elif price < self.low:
            self.low = price
        self.last = price
        self.volume = volume

    def row(self) -> tuple[int, int, int, int, int]:
        """Return last, open, high, low, volume, in the order that messages, snapshots and checkpoints have them."""
        return self.last, self.open, self.high, self.low, self.volume
