"""What is said of an instrument: its state, and what its call would come to."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Status
from openoutcry.wire.types import MarketState, Phase
from outcry.terminal.money import money

_SIGNS: Final = {MarketState.OPEN: "○", MarketState.AUCTION: "◆", MarketState.HALTED: "■", MarketState.CLOSED: "□"}
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600


def state_words(status: Status | None, now_us: int) -> str:
    """Say an instrument's state with a sign, its phase and why; nothing while it is not known."""
    if status is None:
        return ""
    words = f"{_SIGNS.get(status.state, '?')} {status.state}"
    if status.phase not in (Phase.NONE, Phase.CLOSED, Phase.CONTINUOUS):
        words += f", {status.phase}"
    if status.reason:
        words += f": {status.reason}"
    if status.until > now_us:
        words += f", {time_left(status.until, now_us)} left"
    return words


def auction_words(auction: Auction, instrument: Instrument, now_us: int) -> str:
    """Say what a call would come to, as `opening auction: 1,200 at 101.00, 300 more bid, 12 s left`."""
    words = f"◆ {auction.kind} auction: "
    words += f"{auction.volume:,} at {money(auction.price, instrument)}" if auction.price else "no price yet"
    if auction.surplus:
        words += f", {abs(auction.surplus):,} more {'bid' if auction.surplus > 0 else 'asked'}"
    if auction.until:
        words += f", {time_left(auction.until, now_us)} left" if auction.until > now_us else ", ends any moment"
    return words


def time_left(until_us: int, now_us: int) -> str:
    """Say how long it is, as `12 s`, `3 min 05 s` or `2 h 10 min`."""
    seconds = max(0, -(-(until_us - now_us) // 1_000_000))
    if seconds < _MINUTE_S:
        return f"{seconds} s"
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S} min {seconds % _MINUTE_S:02} s"
    return f"{seconds // _HOUR_S} h {seconds % _HOUR_S // _MINUTE_S:02} min"
