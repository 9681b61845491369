"""The live views of one market, and how the session's events reach them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from weakref import WeakSet

from openoutcry.aio.book import Book
from openoutcry.aio.live_account import LiveAccount
from openoutcry.aio.live_ticker import LiveTicker
from openoutcry.aio.pulse import Pulse
from openoutcry.aio.tape import Tape
from openoutcry.book_view import BookView
from openoutcry.errors import Disconnected, RequestRefused
from openoutcry.events import (
    AccountLoaded,
    AccountStale,
    AuctionChanged,
    BookChanged,
    BookStale,
    Event,
    ExecutionSeen,
    SubscriptionRefused,
    TickerChanged,
    TradeSeen,
    TradesMissing,
    TransferSeen,
)
from openoutcry.feed_session import FeedSession
from openoutcry.trade_tape import Missing
from openoutcry.wire.messages import Trade


class Views:
    """
    Everything that users of one market hold.

    Args:
        session: Keeps what the views show.
    """

    def __init__(self, session: FeedSession) -> None:
        self._session = session
        self._pulses: WeakSet[Pulse] = WeakSet()
        self._books: dict[str, Book] = {}
        self._tickers: dict[str, LiveTicker] = {}
        self._tapes: dict[str, WeakSet[Tape[Trade]]] = {}
        self._account: LiveAccount | None = None
        self.news = self.new_pulse()
        """Beats after every event."""

    def new_pulse(self) -> Pulse:
        """Return a pulse that stops with the market."""
        pulse = Pulse()
        self._pulses.add(pulse)
        return pulse

    def stop(self, ending: Disconnected | None) -> None:
        """Let nobody wait any more."""
        for pulse in list(self._pulses):
            pulse.stop(ending)

    def book(self, instrument: str, view: BookView) -> Book:
        """Return the one book of an instrument."""
        if instrument not in self._books:
            self._books[instrument] = Book(view, self._session, self.new_pulse(), self._is_silent)
        return self._books[instrument]

    def ticker(self, instrument: str) -> LiveTicker:
        """Return the one ticker of an instrument."""
        if instrument not in self._tickers:
            self._tickers[instrument] = LiveTicker(instrument, self._session, self.new_pulse(), self._is_silent)
        return self._tickers[instrument]

    def tape(self, instrument: str) -> Tape[Trade]:
        """Return a new tape of an instrument's trades, filled for as long as its reader holds it."""
        tape: Tape[Trade] = Tape(self.new_pulse())
        self._tapes.setdefault(instrument, WeakSet()).add(tape)
        return tape

    def account(self) -> LiveAccount:
        """Return the one account."""
        if self._account is None:
            self._account = LiveAccount(self._session.account, self.new_pulse(), self._is_silent)
        return self._account

    def leave_book(self, instrument: str) -> None:
        """Let go of a book: loops over it end, and who holds it sees that nothing vouches for it."""
        book = self._books.pop(instrument, None)
        if book is not None:
            book.stop(None)

    def on_event(self, event: Event) -> None:
        """Pass an event on to the views that it concerns."""
        match event:
            case BookChanged(instrument, _) | BookStale(instrument, _):
                if instrument in self._books:
                    self._books[instrument].moved()
            case AuctionChanged(auction):
                self._on_auction(auction.instrument)
            case TickerChanged(ticker):
                if ticker.instrument in self._tickers:
                    self._tickers[ticker.instrument].moved()
            case TradeSeen(trade):
                for tape in self._tapes.get(trade.instrument, ()):
                    tape.add(trade.trade_id, trade)
            case TradesMissing(instrument, first, last):
                for tape in self._tapes.get(instrument, ()):
                    tape.add_missing(Missing(first, last))
            case ExecutionSeen() | TransferSeen() | AccountLoaded() | AccountStale():
                self._on_account_event(event)
            case SubscriptionRefused():
                self._refuse(event)
            case _:
                pass
        self.news.beat()

    def _on_auction(self, instrument: str) -> None:
        if instrument in self._books:
            self._books[instrument].moved()
        if instrument in self._tickers and instrument in self._session.tickers:
            self._tickers[instrument].moved()

    def _refuse(self, refused: SubscriptionRefused) -> None:
        """End a view with its reason for its readers; the next caller gets a new one."""
        refusal = RequestRefused(refused.code, refused.text)
        for held in self._held(refused.channel, refused.instrument):
            held.stop(refusal)

    def _held(self, channel: str, instrument: str) -> Sequence[Book | LiveTicker | LiveAccount | Tape[Trade]]:
        """Hand over what users hold of a subscription."""
        held: Book | LiveTicker | LiveAccount | None = None
        match channel:
            case "book":
                held = self._books.pop(instrument, None)
            case "ticker":
                held = self._tickers.pop(instrument, None)
            case "trades":
                return list(self._tapes.pop(instrument, ()))
            case "account":
                held, self._account = self._account, None
        return [] if held is None else [held]

    def _is_silent(self) -> bool:
        return self._session.is_silent(time.monotonic())

    def _on_account_event(self, event: ExecutionSeen | TransferSeen | AccountLoaded | AccountStale) -> None:
        account = self.account()
        match event:
            case ExecutionSeen(execution):
                account.seen(execution)
            case TransferSeen(transfer):
                account.transferred(transfer)
            case AccountLoaded(user_seq):
                account.loaded(user_seq)
            case AccountStale():
                account.moved()
