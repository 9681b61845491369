"""A scripted exchange, to test clients against: it speaks the protocol for one book, and misbehaves on request.

`ScriptedMarket` makes messages and knows no sockets; `openoutcry.aio.scripted_server` sends them to WebSocket
clients. Everything is deterministic: prices and quantities come from the caller, times from a counter.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import MASK
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Delta, Level, Snapshot, Ticker, Trade
from openoutcry.wire.types import Side

EPOCH: Final = 7_001
"""The epoch that a scripted market begins with."""
HISTORY_MAX: Final = 1_000
"""Changes kept for resuming clients; beyond it they get snapshots."""


class Fault(enum.Enum):
    """A fault in the publishing of one change."""

    NONE = enum.auto()
    LOST = enum.auto()
    """It is sent to nobody."""
    TWICE = enum.auto()
    """Told again at once."""
    SWAPPED = enum.auto()
    """Told after the next change."""
    WRONG_DIGEST = enum.auto()
    """The levels are right, the digest is not."""
    WRONG_LEVEL = enum.auto()
    """The digest is right, a quantity is not."""


class ScriptedMarket:
    """
    One instrument's book, trades and ticker.

    Args:
        symbol: Its only instrument.
    """

    def __init__(self, symbol: str = "ACME") -> None:
        self.instrument = Instrument(symbol, name=f"{symbol}, scripted")
        self.book = DepthBook(symbol)
        self.book.epoch = EPOCH
        self.trade_id = 0
        self.accounts: dict[str, Account] = {}
        """Given to who subscribes to his account; empty ones by default."""
        self._digests: dict[int, int] = {0: 0}
        self._changes: list[Delta] = []
        self._held: list[Delta] = []

    @property
    def symbol(self) -> str:
        """Of its only instrument."""
        return self.instrument.symbol

    def set(self, bids: Mapping[int, int] | None = None, asks: Mapping[int, int] | None = None) -> Delta:
        """
        Change the book by one command, and return the delta that says so.

        Args:
            bids: Price to new quantity; 0 removes.
            asks: Likewise.
        """
        book = self.book
        for side, changes in ((book.bids, bids or {}), (book.asks, asks or {})):
            for price, quantity in changes.items():
                side.set(price, quantity)
        book.seq += 1
        book.time += 1_000
        delta = Delta(self.symbol, book.seq - 1, book.seq, book.time, 0, _levels(bids), _levels(asks), book.digest)
        self._changes = [*self._changes, delta][-HISTORY_MAX:]
        self._digests[book.seq] = book.digest
        return delta

    def change(
        self, bids: Mapping[int, int] | None = None, asks: Mapping[int, int] | None = None, fault: Fault = Fault.NONE
    ) -> list[Delta]:
        """Change the book, and return what is to be said of it, the fault done."""
        delta = self.set(bids, asks)
        held, self._held = self._held, []
        match fault:
            case Fault.NONE:
                return [delta, *held]
            case Fault.LOST:
                return held
            case Fault.TWICE:
                return [delta, delta, *held]
            case Fault.SWAPPED:
                self._held = [*held, delta]
                return []
            case Fault.WRONG_DIGEST:
                return [delta._replace(digest=delta.digest ^ MASK), *held]
            case Fault.WRONG_LEVEL:
                return [delta._replace(bids=_one_more(delta.bids), asks=_one_more(delta.asks)), *held]
            case _:
                assert_never(fault)

    def trade(self, price: int, quantity: int, aggressor: Side = Side.BID) -> Trade:
        """Print a trade; the book is not touched."""
        self.trade_id += 1
        return Trade(self.symbol, self.book.seq, self.trade_id, self.trade_id * 1_000, price, quantity, aggressor)

    def ticker(self) -> Ticker:
        """Return the best prices as they stand; the statistics are 0."""
        bid, ask = self.book.bids.best(), self.book.asks.best()
        quantities = self.book.bids.quantities.get(bid, 0), self.book.asks.quantities.get(ask, 0)
        return Ticker(self.symbol, self.book.seq, self.book.time, bid, quantities[0], ask, quantities[1], 0, 0, 0, 0, 0)

    def snapshot(self, depth: int = 0) -> Snapshot:
        """Return the book as it stands, or its best levels."""
        book = self.book
        bids = [(price, quantity, 1) for price, quantity in book.bids.levels(depth)]
        asks = [(price, quantity, 1) for price, quantity in book.asks.levels(depth)]
        digest = book.window_digest(depth) if depth else book.digest
        return Snapshot(self.symbol, book.epoch, book.seq, book.time, depth, bids, asks, digest)

    def resume(self, epoch: int, seq: int, digest: int) -> Delta | None:
        """Return one merged delta from a client's position, None if it does not stand on this history."""
        book = self.book
        if epoch != book.epoch or self._digests.get(seq) != digest:
            return None
        missed = [delta for delta in self._changes if delta.seq > seq]
        if len(missed) != book.seq - seq:
            return None
        bids = {level[0]: level[1] for delta in missed for level in delta.bids}
        asks = {level[0]: level[1] for delta in missed for level in delta.asks}
        return Delta(self.symbol, seq, book.seq, book.time, 0, _levels(bids), _levels(asks), book.digest)

    def account(self, user: str) -> Account:
        """Return a user's account."""
        return self.accounts.get(user, Account(0, [], {}, {}))

    def begin_new_epoch(self) -> None:
        """Lose the history: another epoch, an empty book, and numbers from the beginning."""
        epoch = self.book.epoch + 1
        self.book = DepthBook(self.symbol)
        self.book.epoch = epoch
        self._digests = {0: 0}
        self._changes = []


def _one_more(levels: Sequence[Level]) -> list[Level]:
    return [[price, quantity + 1] for price, quantity in levels]


def _levels(changes: Mapping[int, int] | None) -> list[Level]:
    return [[price, quantity] for price, quantity in (changes or {}).items()]
