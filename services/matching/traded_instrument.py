"""One instrument as it trades: its definition, its book, its state and its statistics.

Owns the rules that an order must obey because of the instrument. Leaves rules about users to the engine.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.wire.account import tick_value
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Terms
from openoutcry.wire.types import Code, MarketState
from services.matching.book.order_book import OrderBook
from shared.logs.snapshots import BookState
from shared.trade_statistics import TradeStatistics

INSTRUMENTS_MAX: Final = 10_000
"""Instruments of a shard; the next listing is refused."""
_OPEN: Final = MarketState.OPEN  # Looking it up costs as much as the rest of an order's check.


class Refusal(NamedTuple):
    """Why a command is refused."""

    code: Code
    text: str
    """One sentence naming field, rule and limit."""


class TradedInstrument:
    """
    An instrument's trading.

    Args:
        instrument: The definition; it never changes.
    """

    __slots__ = (
        "book",
        "changed_at",
        "collar_bp",
        "currency",
        "epoch_trade_id",
        "instrument",
        "reason",
        "reference",
        "state",
        "state_time",
        "statistics",
        "symbol",
        "terms_time",
        "tick_value",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.currency = instrument.currency
        self.book = OrderBook(instrument.symbol)
        self.state = MarketState.OPEN
        self.reason = ""
        self.state_time = 0
        """Time of the command that set the state, µs; 0 as listed."""
        self.epoch_trade_id = 0
        """The last trade before the present epoch began; later ones are no trades of the epoch before."""
        self.changed_at = 0
        """Time of the last command that changed the book, µs."""
        self.statistics = TradeStatistics()
        """Of all trades since listing."""
        self.reference = 0
        """Price in ticks that counts until the first trade; 0: none."""
        self.collar_bp = 0
        """How far from the reference price everybody's prices may be, in basis points; 0: as far as they like."""
        self.terms_time = 0
        """Time of the command that set these two, µs; 0: none did."""
        self.tick_value = tick_value(instrument)
        """What one lot is worth at one tick, in millionths of the currency."""

    def refusal(self, price: int | None, quantity: int | None) -> Refusal | None:
        """Return why an order may not come now with this price and quantity (None: not given), or None: it may."""
        if self.state is not _OPEN:
            because = f", because {self.reason}" if self.reason else ""
            return Refusal(Code.NOT_OPEN, f"instrument: {self.instrument.symbol} is {self.state}{because}")
        if price is not None and not 1 <= price <= self.instrument.price_max:
            rule = f"price: must be from 1 to {self.instrument.price_max} ticks, not {price}"
            return Refusal(Code.PRICE_OUT_OF_RANGE, rule)
        if quantity is not None and not 1 <= quantity <= self.instrument.quantity_max:
            rule = f"quantity: must be from 1 to {self.instrument.quantity_max} lots, not {quantity}"
            return Refusal(Code.QUANTITY_OUT_OF_RANGE, rule)
        return None

    def terms(self) -> Terms:
        """Return what orders are judged by, apart from the definition."""
        return Terms(self.instrument.symbol, self.terms_time, self.reference, self.collar_bp)

    def book_state(self, epoch: int, feed_id: str) -> BookState:
        """Return what a late joiner needs, as of the packet `feed_id`; O(levels log levels)."""
        book = self.book
        return BookState(
            self.instrument.symbol,
            epoch,
            feed_id,
            book.seq,
            self.changed_at,
            book.bids.depth(),
            book.asks.depth(),
            book.digest,
            *self.statistics.row(),
            book.trade_id,
            self.state,
            self.reason,
            self.state_time,
            self.epoch_trade_id,
            self.terms_time,
            self.reference,
            self.collar_bp,
        )
