"""The answer to: what did this book show then?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from openoutcry.wire.instrument import Instrument
from outcry.time_machine.past_market import Comparison, PastMarket
from outcry.time_machine.time_text import moment_text
from outcry.time_machine.unrecorded import NotRecorded

DEPTH_MAX: Final = 100_000
"""Levels of a side that one answer shows at most."""


class ToldBook(NamedTuple):
    """A book at a moment, and where that moment stands in the record."""

    market: PastMarket
    instrument: Instrument
    state: str
    phase: str
    seq: int
    digest: int
    bids: Sequence[Sequence[int]]
    """(price in ticks, lots, orders), the best first."""
    asks: Sequence[Sequence[int]]
    compared: Comparison | None

    def fields(self) -> dict[str, Any]:
        """Return it for programs: prices in ticks and beside them as decimal text, lots, orders."""
        market = self.market
        return {
            "instrument": self.instrument.symbol,
            "history": market.history,
            "epoch": market.epoch,
            "position": market.position,
            "log_id": market.log_id,
            "time": moment_text(market.time),
            "state": self.state,
            "phase": self.phase,
            "seq": self.seq,
            "digest": self.digest,
            "published": self.compared._asdict() if self.compared is not None else None,
            "bids": [self._level(level) for level in self.bids],
            "asks": [self._level(level) for level in self.asks],
        }

    def lines(self) -> list[str]:
        """Return it for people."""
        market = self.market
        phase = f", {self.phase}" if self.phase else ""
        lines = [f"{self.instrument.symbol}, {self.state}{phase}", *standing(market)]
        lines.append(f"seq {self.seq:,}, digest {self.digest}: {self._published()}")
        lines.append(
            f"{'orders':>8} {'bid lots':>12} {'bid':>12}   {'ask':<12} {'ask lots':<12} {'orders':<8}".rstrip()
        )
        for bid, ask in zip_longest(self.bids, self.asks):
            left = f"{bid[2]:>8,} {bid[1]:>12,} {self._amount(bid[0]):>12}" if bid else " " * 34
            right = f"   {self._amount(ask[0]):<12} {ask[1]:<12,} {ask[2]:<8,}" if ask else ""
            lines.append((left + right).rstrip())
        if not self.bids and not self.asks:
            lines.append("the book is empty")
        return lines

    def _published(self) -> str:
        if self.compared is None:
            return f"nothing was published of it since the mark at position {self.market.mark_position:,}"
        position, seq, digest = self.compared
        if (seq, digest) == (self.seq, self.digest):
            return f"as published at position {position:,}"
        return (
            f"published last at position {position:,} with seq {seq:,}, digest {digest}, as replayed; then it changed"
        )

    def _level(self, level: Sequence[int]) -> list[Any]:
        price, lots, orders = level
        return [price, self._amount(price), lots, orders]

    def _amount(self, price: int) -> str:
        return str(self.instrument.amount(price))


def standing(market: PastMarket) -> list[str]:
    """Say where in the record a market stands."""
    return [
        f"epoch {market.epoch}, position {market.position:,}, log id {market.log_id}, {moment_text(market.time)}",
    ]


def told_book(market: PastMarket, symbol: str, depth: int) -> ToldBook:
    """
    Return a book of a past market.

    Args:
        market: At its moment.
        symbol: The instrument's.
        depth: Levels of a side.

    Raises:
        NotRecorded: If the instrument was not listed then.
    """
    traded = market.engine.instruments.get(symbol)
    if traded is None:
        raise NotRecorded("unknown_instrument", f"no instrument {symbol} was listed at position {market.position:,}")
    book = traded.book
    snapshot = book.snapshot(market.epoch, market.time)
    return ToldBook(
        market,
        traded.instrument,
        str(traded.state),
        str(traded.phase),
        book.seq,
        book.digest,
        snapshot.bids[:depth],
        snapshot.asks[:depth],
        market.compared.get(symbol),
    )
