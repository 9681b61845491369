"""One instrument as it trades: its definition, its book, its state and its statistics.

Owns the rules that an order must obey because of the instrument. Leaves rules about users to the engine.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.wire.account import tick_value
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Terms
from openoutcry.wire.tick_table import NO_TABLE, TickTable
from openoutcry.wire.types import Code, MarketState, OrderKind, Phase, Side, TimeInForce
from services.matching.book.auction_price import NO_PRICE, AuctionPrice
from services.matching.book.order import Order
from services.matching.book.order_book import ALL_LEVELS, INDICATIVE_LEVELS_MAX, OrderBook
from services.matching.book.stop_book import StopBook
from services.matching.life import Life
from services.matching.money_text import time_text
from services.matching.price_range import collar
from shared.logs.market_commands import SetTerms
from shared.logs.packet import GROWN
from shared.logs.snapshots import BookState
from shared.trade_statistics import TradeStatistics

INSTRUMENTS_MAX: Final = 10_000
"""Instruments of a shard; the next listing is refused."""
_NO_TERMS: Final = tuple(Terms._field_defaults.values())
EXPIRED: Final = "expired"
"""Why an instrument is delisted that has come to its end."""
SWEEP: Final = "sweep"
"""Why an instrument is halted whose orders are being ended."""
CALLS: Final = (Phase.OPENING, Phase.CLOSING, Phase.VOLATILITY, Phase.REOPENING, Phase.SINGLE, Phase.BATCH)
_OPEN: Final = MarketState.OPEN  # Looking it up costs as much as the rest of an order's check.


class Refusal(NamedTuple):
    """Why a command is refused."""

    code: Code
    text: str
    """One sentence naming field, rule and limit."""
    rule_id: str = ""
    """Of the company's rule that forbids it, also of one that the sentence does not name."""


class AuctionTold(NamedTuple):
    """The fields of an `Auction` that are news when they change."""

    auction_id: int
    kind: Phase
    price: int
    volume: int
    surplus: int
    until: int


class TradedInstrument:
    """
    An instrument's trading.

    Args:
        instrument: The definition; it never changes.
    """

    __slots__ = (
        "_told",
        "auction_id",
        "auction_price",
        "auction_time",
        "band_bp",
        "band_ticks_min",
        "batch_ms",
        "book",
        "calendar",
        "changed_at",
        "closing_day",
        "closing_price",
        "collar_bp",
        "currency",
        "epoch_trade_id",
        "extension_s",
        "has_band",
        "instrument",
        "is_paused",
        "life",
        "phase",
        "price_max",
        "quantity_max",
        "random_end_s",
        "reason",
        "reference",
        "reopening_s",
        "set_reason",
        "set_state",
        "state",
        "state_time",
        "static_bp",
        "statistics",
        "stops",
        "symbol",
        "terms_time",
        "tick_table",
        "tick_value",
        "ticks",
        "told_auction",
        "until",
        "volatility_s",
    )

    def __init__(self, instrument: Instrument) -> None:  # noqa: PLR0915 - one a field
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.price_max = instrument.price_max
        self.quantity_max = instrument.quantity_max
        self.currency = instrument.currency
        self.book = OrderBook(instrument.symbol)
        self.stops: StopBook | None = None
        """Orders that wait for a price; None before the first one."""
        self.state = MarketState.OPEN
        """As it was told last. Only in OPEN does it trade continuously; `find_state` follows from what is below."""
        self.reason = ""
        self.state_time = 0
        """When the state became this, µs; 0 as listed."""
        self.set_state = MarketState.OPEN
        """What an administrator has set: OPEN lets the phase decide."""
        self.set_reason = ""
        self.is_paused = False
        """Whether orders of it still have to be ended; nothing trades meanwhile."""
        self.life = Life.TRADING
        """Whether it has come to its end."""
        self.phase = Phase.NONE
        """Of its sessions; NONE without any."""
        self.until = 0
        """When the phase ends at the earliest, µs; 0: not known."""
        self.closing_price = 0
        """Of the last trading day that had a trade before it closed, in ticks; 0: none yet."""
        self.closing_day = ""
        """That day, as 2026-11-30."""
        self.auction_price = 0
        """Of the last auction of this trading day, in ticks; 0: none yet."""
        self.auction_time = 0
        """Of the last auction, µs."""
        self.auction_id = 0
        """Of the call that it is in, or was in last; counts from 1."""
        self.told_auction: AuctionTold | None = None
        """What `take_auction` has told of its call; None: it is in none, and that has been told."""
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
        self.tick_table: tuple[tuple[int, int], ...] = ()
        """This and the next as `Terms` has them."""
        self.ticks: TickTable | None = None
        """Which prices there are; None: every tick."""
        self.band_bp = 0
        self.static_bp = 0
        self.band_ticks_min = 0
        self.volatility_s = 0
        self.extension_s = 0
        self.random_end_s = 0
        self.reopening_s = 0
        self.batch_ms = 0
        self.calendar = ""
        self.terms_time = 0
        """Time of the command that set the terms, µs; 0: none did."""
        self.has_band = False
        """Whether the terms have bands."""
        self._told = (Phase.NONE, 0)
        self.tick_value = tick_value(instrument)
        """What one lot is worth at one tick, in millionths of the currency."""

    def not_open(self, order: Order) -> Refusal | None:
        """Return why an order may not come in a state other than open, or None: it may, in a call."""
        symbol = self.symbol
        if self.state is MarketState.AUCTION:
            kind = f"an {self.phase}" if self.phase[0] in "aeiou" else f"a {self.phase}"
            what, special = "", order.special
            if special is not None and special.trigger:
                return None
            if special is not None and special.minimum:
                what = "minimum"
            elif order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
                what = order.time_in_force
            elif order.post_only:
                what = "post-only"
            elif order.kind is OrderKind.MARKET and order.time_in_force is not TimeInForce.AUCTION:
                what = "market"
            if not what:
                return None
            rule = f"{symbol} is in {kind} auction: {what} orders wait for continuous trading"
            return Refusal(Code.NOT_OPEN, f"instrument: {rule}")
        if self.phase is Phase.CLOSED and self.state is MarketState.CLOSED and self.until:
            return Refusal(Code.NOT_OPEN, f"instrument: {symbol} is closed until {time_text(self.until)}")
        because = f", because {self.reason}" if self.reason else ""
        return Refusal(Code.NOT_OPEN, f"instrument: {symbol} is {self.state}{because}")

    def refusal(self, price: int | None, quantity: int | None) -> Refusal | None:
        """Return why an order may not come now with this price and quantity (None: not given), or None: it may."""
        if price is not None and not 1 <= price <= self.price_max:
            rule = f"price: must be from 1 to {self.price_max} ticks, not {price}"
            return Refusal(Code.PRICE_OUT_OF_RANGE, rule)
        if self.ticks is not None and price is not None and not self.ticks.is_on_tick(price):
            return Refusal(Code.OFF_TICK, f"price: {self.ticks.rule(price)}")
        if quantity is not None and not 1 <= quantity <= self.quantity_max:
            rule = f"quantity: must be from 1 to {self.quantity_max} lots, not {quantity}"
            return Refusal(Code.QUANTITY_OUT_OF_RANGE, rule)
        return None

    @property
    def reference_price(self) -> int:
        """The price that others are compared with, in ticks: of the last trade, last close, or terms; 0: none."""
        return self.statistics.last or self.closing_price or self.reference

    def auction_bound(self, side: Side) -> int:
        """Return the worst price at which an order without a limit may trade in an auction, in ticks; 0: no limit."""
        if not self.collar_bp or not self.reference_price:
            return 0
        low, high = collar(self.reference_price, self.collar_bp)
        return high if side is Side.BID else low

    @property
    def is_call(self) -> bool:
        """Whether orders are gathered for an auction: nothing trades, and the book may be crossed."""
        return self.phase in CALLS

    @property
    def has_sessions(self) -> bool:
        """Whether there is more to know of it than state, reference and collar."""
        is_plain = (self.phase, self.auction_id, self.is_paused) == (Phase.NONE, 0, False)
        return not is_plain or self.set_state is not self.state or self.terms()[GROWN[Terms] :] != _NO_TERMS

    def indicative(self, levels_max: int = ALL_LEVELS) -> AuctionPrice | None:
        """Return what an uncrossing now would come to; see `OrderBook.indicative`."""
        ticks, price_max = self.ticks or NO_TABLE, self.instrument.price_max
        reference = ticks.round_down(min(self.reference_price, price_max))
        return self.book.indicative(reference, ticks, price_max, levels_max)

    def take_auction(self) -> Auction | None:
        """
        Return what there is to tell of the call, and count it as told; None if nothing has changed.

        It depends on what was told and on how things stand, and not on what was between. Whoever begins or ends a call,
        or changes its end, touches the instrument (`Floor.touch`), so that it is asked.

        Cost: see `OrderBook.indicative`.
        """
        told, auction = self.told_auction, self.auction()
        now = None if auction is None else AuctionTold._make(auction[3:])
        if now == told:
            return None
        self.told_auction = now
        if auction is None:
            time = max(self.changed_at, self.state_time)
            return Auction(self.symbol, self.book.seq, time, self.auction_id, Phase.NONE, 0, 0, 0, 0)
        return auction

    def auction(self) -> Auction | None:
        """Return what the call would come to if it ended now; None if there is none."""
        if self.book.call is None or not self.is_call:
            return None
        # While it is being uncrossed there is no other price than the one at which that happens.
        found = NO_PRICE if self.is_paused else self.indicative(INDICATIVE_LEVELS_MAX) or NO_PRICE
        time = max(self.changed_at, self.state_time)
        return Auction(self.symbol, self.book.seq, time, self.auction_id, self.phase, *found, self.until)

    def find_state(self) -> bool:
        """Find the state that follows from the phase and from what was set; tells whether it is another. O(1)."""
        if self.life:
            state, reason = MarketState.CLOSED, self.life.value
            if self.life is Life.OVER:
                state, reason = MarketState.DELISTED, EXPIRED
        elif self.is_paused:
            state, reason = MarketState.HALTED, SWEEP
        elif self.set_state is not MarketState.OPEN:
            state, reason = self.set_state, self.set_reason
        elif self.phase is Phase.CLOSED:
            state, reason = MarketState.CLOSED, ""
        elif self.is_call:
            state, reason = MarketState.AUCTION, ""
        else:
            state, reason = _OPEN, self.set_reason
        is_other = (state, reason, self.phase, self.until) != (self.state, self.reason, *self._told)
        self.state, self.reason = state, reason
        self._told = self.phase, self.until
        return is_other

    def terms(self) -> Terms:
        """Return what orders are judged by, apart from the definition."""
        return Terms(
            self.symbol,
            self.terms_time,
            self.reference,
            self.collar_bp,
            self.tick_table,
            self.band_bp,
            self.static_bp,
            self.band_ticks_min,
            self.volatility_s,
            self.extension_s,
            self.random_end_s,
            self.reopening_s,
            self.batch_ms,
            self.calendar,
        )

    def set_terms(self, terms: SetTerms, time_us: int) -> bool:
        """Take other terms; tells whether they are others. O(rows of the tick table)."""
        before = self.terms()
        self.reference, self.collar_bp, self.tick_table = terms.reference, terms.collar_bp, terms.tick_table
        self.ticks = TickTable(terms.tick_table) if terms.tick_table else None
        self.band_bp, self.static_bp, self.band_ticks_min = terms.band_bp, terms.static_bp, terms.band_ticks_min
        self.volatility_s, self.extension_s = terms.volatility_s, terms.extension_s
        self.random_end_s, self.reopening_s = terms.random_end_s, terms.reopening_s
        self.batch_ms, self.calendar = terms.batch_ms, terms.calendar
        self.has_band = bool(terms.band_bp or terms.static_bp)
        if self.terms() == before:
            return False
        self.terms_time = time_us
        return True

    def book_state(self, epoch: int, feed_id: str) -> BookState:
        """Return what a late joiner needs, as of the packet `feed_id`; O(levels log levels)."""
        book, told, terms = self.book, self.told_auction, self.terms()[GROWN[Terms] :]
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
            self.phase,
            self.until,
            terms if terms != _NO_TERMS else (),
            (told.auction_id, told.price, told.volume, told.surplus) if told is not None else (),
        )
