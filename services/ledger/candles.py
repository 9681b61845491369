"""Candles of a minute, kept up to date with the trades of each transaction.

Pure. A trade's minute is its time, rounded down, UTC. Open and close are those of the least and the greatest trade id,
since many trades have equal times. The value is summed in Python: beyond 64 bits SQLite would make it floating point.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias

MINUTE_US: Final = 60_000_000
KEPT_MAX: Final = 10_000
"""Candles in memory; beyond, all are read again when they are needed."""
CandleKey: TypeAlias = tuple[str, int]


class CandleRow(NamedTuple):
    """A row of `candle_1m`."""

    instrument: str
    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int
    value: str
    first_trade_id: int
    last_trade_id: int
    auction: bool


def candle_key(trade: tuple[Any, ...]) -> CandleKey:
    """Return the candle that a row of `trade` belongs to."""
    time: int = trade[6]
    return trade[3], time - time % MINUTE_US


class Candles:
    """The candles that were touched last."""

    def __init__(self) -> None:
        self._kept: dict[CandleKey, CandleRow | None] = {}

    def unknown(self, trades: Iterable[tuple[Any, ...]]) -> set[CandleKey]:
        """Return the candles of these trades that must be read first."""
        if len(self._kept) > KEPT_MAX:
            self._kept.clear()
        return {key for key in map(candle_key, trades) if key not in self._kept}

    def read(self, keys: Iterable[CandleKey], rows: Iterable[CandleRow]) -> None:
        """Take what the database has of those that were unknown."""
        self._kept.update(dict.fromkeys(keys))
        self._kept.update({(row.instrument, row.start): row for row in rows})

    def take(self, trades: Iterable[tuple[Any, ...]]) -> list[CandleRow]:
        """Add trades, rows in order of their ids; returns the candles that changed. O(trades)."""
        kept, changed = self._kept, dict[CandleKey, None]()
        for trade in trades:
            key = candle_key(trade)
            kept[key] = _after(kept[key], key, trade)
            changed[key] = None
        return [row for key in changed if (row := kept[key]) is not None]


def _after(row: CandleRow | None, key: CandleKey, trade: tuple[Any, ...]) -> CandleRow:
    trade_id, price, quantity, auction = trade[4], trade[7], trade[8], trade[10] > 0 or trade[9] == "none"
    value = price * quantity
    if row is None:
        return CandleRow(*key, price, price, price, price, quantity, 1, str(value), trade_id, trade_id, auction)
    return CandleRow(
        *key,
        row.open,
        max(row.high, price),
        min(row.low, price),
        price,
        row.volume + quantity,
        row.trades + 1,
        str(int(row.value) + value),
        row.first_trade_id,
        trade_id,
        row.auction or auction,
    )
