"""A book and its trades as plain lines, for logs and pipes: what is best, and whether to believe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from openoutcry.events import StaleReason
from openoutcry.trade_tape import Missing
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Trade
from openoutcry.wire.types import NoSide
from outcry.terminal.money import money


@dataclass(slots=True)
class BookSeen:
    """What is known of a book at one moment."""

    instrument: Instrument
    bids: Sequence[tuple[int, int]] = ()
    """(price, quantity), best first; more than the first says nothing here."""
    asks: Sequence[tuple[int, int]] = ()
    epoch: int = 0
    seq: int = 0
    digest: int = 0
    stale: StaleReason | None = StaleReason.LOADING
    delay_us: int | None = None
    """From the engine's publishing of the newest change to its receipt here; None until one comes while we look."""
    changes: int = 0
    """Verified since the start."""
    recoveries: int = 0
    auction: Auction | None = None
    """What its call would come to; None outside of one."""


def book_line(seen: BookSeen) -> str:
    """Say the book in one line."""
    bid, ask = _best(seen, seen.bids), _best(seen, seen.asks)
    standing = f"STALE ({seen.stale})" if seen.stale else "verified"
    auction = f" {auction_line(seen.auction, seen.instrument)}" if seen.auction else ""
    delay = "unknown" if seen.delay_us is None else f"{seen.delay_us / 1000:.1f} ms"
    return (
        f"{seen.instrument.symbol} bid {bid} ask {ask}{auction} epoch {seen.epoch} seq {seen.seq} "
        f"digest {seen.digest:08x} {standing} delay {delay}"
    )


def trade_line(trade: Trade | Missing, instrument: Instrument) -> str:
    """Say a trade in one line."""
    if isinstance(trade, Missing):
        return f"{instrument.symbol} trades {trade.first} to {trade.last} are missing"
    at = datetime.fromtimestamp(trade.time / 1e6, UTC)
    how = "in an auction" if trade.aggressor_side == NoSide.NONE else trade.aggressor_side
    what = f"{trade.quantity} at {money(trade.price, instrument)} {how}"
    return f"{instrument.symbol} trade {trade.trade_id} {at:%H:%M:%S.%f} {what}"


def auction_line(auction: Auction, instrument: Instrument) -> str:
    """Say what a call would come to, as `opening auction 1,200 at 101.00, 300 more bid, until 09:00:00`."""
    said = f"{auction.kind} auction"
    if not auction.price:
        said += " without a price"
    else:
        said += f" {auction.volume:,} at {money(auction.price, instrument)}"
    if auction.surplus:
        said += f", {abs(auction.surplus):,} more {'bid' if auction.surplus > 0 else 'asked'}"
    if auction.until:
        said += f", until {datetime.fromtimestamp(auction.until / 1e6, UTC):%H:%M:%S} UTC"
    return said


def _best(seen: BookSeen, levels: Sequence[tuple[int, int]]) -> str:
    if not levels:
        return "none"
    price, quantity = levels[0]
    return f"{quantity} at {money(price, seen.instrument)}"
