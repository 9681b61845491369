"""What the feed has told, by what users can name: windows, tickers, trades, executions and states.

Owns the truth that a message to a user is compared with, whenever it arrives and through however many gateways and
epochs it has come. Leaves whole books, and what must hold of the feed itself, to `history`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.messages import Execution, Status, Ticker, Trade, Transfer
from shared.logs.packet import Packet

WINDOW: Final = 5
"""The one depth, in levels a side, of the windows that users follow here: less than the prices at which they trade."""


class Statistics:
    """What a ticker says of an instrument's trades."""

    __slots__ = ("high", "last", "low", "open", "volume")

    def __init__(self) -> None:
        self.last = self.open = self.high = self.low = self.volume = 0

    def count(self, trade: Trade) -> None:
        """Take the next trade."""
        self.last = trade.price
        self.open = self.open or trade.price
        self.high = max(self.high, trade.price)
        self.low = min(self.low or trade.price, trade.price)
        self.volume += trade.quantity


class Told:
    """Everything that any history has told; an id may have been given twice, in two epochs."""

    def __init__(self) -> None:
        self.windows: dict[tuple[int, str, int], int] = {}
        """Digest of the best levels by (epoch, instrument, seq)."""
        self._window_digests: dict[tuple[str, int], None] = {}
        self._tickers: dict[tuple[str, int], dict[tuple[int, ...], None]] = {}
        self._trades: dict[Trade, None] = {}
        self._executions: dict[tuple[str, Execution], None] = {}
        self._transfers: dict[tuple[str, Transfer], None] = {}
        self._states: dict[tuple[str | None, str, str], None] = {}

    def note(self, packet: Packet, books: Mapping[str, DepthBook], statistics: Mapping[str, Statistics]) -> None:
        """Take a packet, and books and statistics as they stand behind it."""
        for change in packet.changes:
            book = books[change.instrument]
            self.note_window(packet.epoch, book)
            self._tickers.setdefault((book.instrument, book.seq), {})[_ticker(book, statistics)] = None
        self._trades.update(dict.fromkeys(packet.trades))
        self._executions.update(dict.fromkeys((user, execution) for user, execution in packet.executions))
        self._transfers.update(dict.fromkeys((user, transfer) for user, transfer in packet.transfers))
        for status in packet.statuses:
            self._states[status.instrument, status.state, status.reason] = None

    def note_window(self, epoch: int, book: DepthBook) -> None:
        """Take a book as it stands in an epoch."""
        digest = book.window_digest(WINDOW)
        self.windows[epoch, book.instrument, book.seq] = digest
        self._window_digests[book.instrument, digest] = None

    def knows_window(self, instrument: str, digest: int) -> bool:
        """Tell whether there ever was such a window."""
        return not digest or (instrument, digest) in self._window_digests

    def knows_ticker(self, ticker: Ticker) -> bool:
        """Tell whether an instrument ever stood so at that seq."""
        figures = tuple(ticker[3:])
        return not ticker.seq or figures in self._tickers.get((ticker.instrument, ticker.seq), ())

    def knows_trade(self, trade: Trade) -> bool:
        """Tell whether this very trade was in the feed."""
        return trade in self._trades

    def knows_execution(self, user: str, execution: Execution) -> bool:
        """Tell whether this very execution was in the feed, and this user's."""
        return (user, execution) in self._executions

    def knows_transfer(self, user: str, transfer: Transfer) -> bool:
        """Tell whether this very transfer was in the feed, and this user's."""
        return (user, transfer) in self._transfers

    def knows_state(self, status: Status) -> bool:
        """Tell whether an instrument ever was in this state, for this reason; all of them begin open."""
        told = status.instrument, status.state, status.reason
        return told in self._states or told[1:] == ("open", "")


def _ticker(book: DepthBook, statistics: Mapping[str, Statistics]) -> tuple[int, ...]:
    bid, ask = book.bids.best(), book.asks.best()
    quantities = book.bids.quantities.get(bid, 0), book.asks.quantities.get(ask, 0)
    of = statistics.get(book.instrument) or Statistics()
    return bid, quantities[0], ask, quantities[1], of.last, of.open, of.high, of.low, of.volume
