"""Channels: what users subscribe to, each collected and encoded once for all of its members.

A channel is a kind of message for one instrument, or for all ("*"), at one depth and interval. It remembers how far
it has sent, so that the next flush names exactly what came after. A member joins with the channel's state and then
gets every flush. Quantities are absolute, so a state that is newer than the last flush does no harm.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from openoutcry.wire.codec import Encoding
from openoutcry.wire.digest import book_digest
from openoutcry.wire.messages import Auction, Delta, Level, Message, Snapshot, Status, Ticker, Trade
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from openoutcry.wire.types import MarketState
from services.gateway.deep_snapshots import DeepSnapshots
from services.gateway.history import BookHistory
from services.gateway.replica import InstrumentReplica, MarketReplica
from shared.entitlement import EVERYTHING, Entitlement, covers

WINDOWS_AT_ONCE_MAX: Final = 32
"""Windows that are made when a channel gets its first member: those of a thousand instruments take 50 ms."""
TRADES_ON_JOIN_MAX: Final = 50
"""Recent trades of each instrument that a new member of a trades channel gets."""


class TapeMark(NamedTuple):
    """Up to which trade of an instrument a lagging listener has been sent."""

    told: int = 0
    """The last id, in the present numbering; 0 before the first."""
    lost: tuple[int, int] | None = None
    """First and last id of trades that it was not sent, of a numbering that has ended; None if there are none."""

    def begun_anew(self, shared_id: int, sent: int) -> TapeMark:
        """Return the mark in a numbering that shares ids up to `shared_id` with the one sent up to `sent`."""
        lost = (max(self.told, shared_id) + 1, sent)
        if lost[0] > sent:
            return TapeMark(min(self.told, shared_id), self.lost)
        if self.lost is not None:
            lost = (min(lost[0], self.lost[0]), max(sent, self.lost[1]))
        return TapeMark(min(self.told, shared_id), lost)

    def without(self, trade_id: int, counted: int) -> TapeMark:
        """Return the mark without a queued trade; its numbering may have ended, and is shared up to `counted` then."""
        if trade_id <= counted:
            return TapeMark(min(self.told, trade_id - 1), self.lost)
        first, last = self.lost or (trade_id, trade_id)
        return TapeMark(self.told, (min(first, trade_id), max(last, trade_id)))


class BookMark(NamedTuple):
    """Up to which change of a book a lagging listener has been sent."""

    seq: int
    history: BookHistory
    """Of which the book was then; another one since means that no delta leads on from there."""
    auction: Auction | None = None
    """What was sent last of its auction; None: nothing."""


class ChannelKey(NamedTuple):
    """What makes two subscriptions the same channel."""

    kind: str
    instrument: str
    """A symbol, or "*" for all, those listed later included."""
    depth: int
    interval_ms: int
    scope: Entitlement = EVERYTHING
    """Of "*": which of all; those who are entitled to the same share a channel."""

    def has(self, symbol: str) -> bool:
        """Tell whether an instrument is among those of the channel."""
        return covers(self.scope, symbol) if self.instrument == EVERY_INSTRUMENT else symbol == self.instrument


class Member(Protocol):
    """What a channel knows of those who follow it."""

    @property
    def encoding(self) -> Encoding:
        """Of everything it is sent."""

    @property
    def is_further(self) -> bool:
        """Whether another connection of the same user comes first."""


MemberT = TypeVar("MemberT", bound=Member)


class Channel(ABC, Generic[MemberT]):
    """
    Base of the kinds.

    Args:
        key: What it sends.
        market: Where it reads.
    """

    tells_auctions = False
    """Whether members get what an instrument's call would come to, beside what else the channel is of."""

    def __init__(self, key: ChannelKey, market: MarketReplica) -> None:
        self.key = key
        self.members: dict[Encoding, dict[MemberT, int]] = {encoding: {} for encoding in Encoding}
        """Members that get the next flush, with their descriptors; followers that lag are not among them."""
        self.further: dict[Encoding, dict[MemberT, int]] = {encoding: {} for encoding in Encoding}
        """Members that get it after all of these: further connections of users (`services.gateway.rotation`)."""
        self.followers = 0
        """Subscriptions, lagging ones included."""
        self._market = market
        self._dirty: dict[str, None] = {}
        self._auctions: dict[str, Auction] = {}  # as members have been sent them, of instruments that have had a call

    def is_silent(self) -> bool:
        """Tell whether the next flush would reach nobody."""
        return not any(self.members.values()) and not any(self.further.values())

    def everybody(self) -> list[MemberT]:
        """Return all who get the next flush."""
        return [each for group in (self.members, self.further) for members in group.values() for each in members]

    def listeners(self, subscriber: MemberT) -> dict[MemberT, int]:
        """Return those among whom a subscriber gets the next flush, if it does."""
        return (self.further if subscriber.is_further else self.members)[subscriber.encoding]

    def begin(self) -> None:
        """Count the present as sent: nobody listened until now."""
        self._dirty.clear()
        if self.tells_auctions:
            listed = self._market.instruments
            told = [(symbol, listed[symbol].auction) for symbol in self.symbols()]
            self._auctions = {symbol: auction for symbol, auction in told if auction is not None}

    def symbols(self) -> list[str]:
        """Return the instruments that it covers at present."""
        if self.key.instrument == EVERY_INSTRUMENT:
            return [symbol for symbol in self._market.instruments if covers(self.key.scope, symbol)]
        return [self.key.instrument]

    def mark(self, symbol: str) -> None:
        """Note that an instrument changed; marking twice is once."""
        self._dirty[symbol] = None

    def collect(self) -> list[Message]:
        """Return what came since the last flush, merged, and count it as sent."""
        messages: list[Message] = []
        for symbol in self._dirty:
            instrument = self._market.instruments[symbol]
            if not instrument.is_broken:  # else it is marked again when it has been loaded
                messages += self._news(instrument)
                if self.tells_auctions and instrument.auction is not None:
                    messages += self._auction_news(instrument.auction)
        self._dirty.clear()
        return messages

    def state(self) -> list[Message]:
        """Return the messages that bring a new member in sync, so that the next flush continues them."""
        messages: list[Message] = []
        for symbol in self.symbols():
            messages += self.state_of(symbol)
        return messages

    def state_of(self, symbol: str) -> Sequence[Message]:
        """Return the messages that bring a member in sync that has lost one instrument; none while it is broken."""
        instrument = self._market.instruments[symbol]
        state = () if instrument.is_broken else self._state(instrument)
        return (*state, *self.auction_since(symbol)) if state else ()

    def auction_since(self, symbol: str, told: Sequence[Message] = ()) -> Sequence[Message]:
        """Return what an instrument's last call has come to so far, if it has had one and that was not told."""
        auction = self._market.instruments[symbol].auction
        return () if auction is None or not self.tells_auctions or auction in told else (auction,)

    def since(self, symbol: str, told: Sequence[Message]) -> Sequence[Message]:
        """Return the messages that bring a new member in sync that was sent an instrument's state a moment ago."""
        state = self.state_of(symbol)
        return () if list(state) == list(told) else state

    def restart(self, symbol: str) -> None:
        """Forget how far an instrument was sent: its history broke, and the next flush sends its state."""
        self._auctions.pop(symbol, None)
        self.mark(symbol)

    def forget(self, symbol: str) -> None:
        """Forget an instrument that is listed no more."""
        self.restart(symbol)
        self._dirty.pop(symbol, None)

    def _auction_news(self, auction: Auction) -> Sequence[Message]:
        if self._auctions.get(auction.instrument) == auction:
            return ()
        self._auctions[auction.instrument] = auction
        return (auction,)

    @abstractmethod
    def _news(self, instrument: InstrumentReplica) -> Sequence[Message]: ...

    @abstractmethod
    def _state(self, instrument: InstrumentReplica) -> Sequence[Message]: ...


class BookChannel(Channel[MemberT]):
    """
    Whole books: a snapshot, then merged deltas.

    Args:
        key: What it sends.
        market: Where it reads.
        deep: Where deep books' snapshots are made; None: all are made at once.
    """

    tells_auctions = True

    def __init__(self, key: ChannelKey, market: MarketReplica, deep: DeepSnapshots | None = None) -> None:
        super().__init__(key, market)
        self._deep = deep
        self.sent: dict[str, int] = {}
        """Instrument to the seq up to which every member has been sent."""
        self._snapshots: dict[str, Snapshot] = {}

    def begin(self) -> None:
        """Count the books as sent up to their present seqs."""
        super().begin()
        self.sent = {symbol: self._market.instruments[symbol].book.seq for symbol in self.symbols()}

    def restart(self, symbol: str) -> None:
        """Forget how far the book was sent."""
        self.sent.pop(symbol, None)
        self._snapshots.pop(symbol, None)
        super().restart(symbol)

    def _news(self, instrument: InstrumentReplica) -> Sequence[Message]:
        seq = instrument.book.seq
        sent = self.sent.get(instrument.symbol)
        if sent == seq:
            return ()
        delta = None if sent is None else instrument.delta_since(sent)
        news: Sequence[Message] = () if delta is None else (delta,)
        if delta is None and not self.is_silent():
            news = self._state(instrument)
        if news:
            self.sent[instrument.symbol] = seq
        else:  # a deep book's snapshot is being made; the channel is marked again when it is there
            self.sent.pop(instrument.symbol, None)
        return news

    def is_ready(self, symbol: str, mark: BookMark | None = None) -> bool:
        """Tell whether `behind` can be sent; if not a snapshot is being made for it: ask again in the next turn."""
        if self._deep is None or self._delta_behind(symbol, mark) is not None:
            return True
        return self._deep.is_ready(self._market.instruments[symbol])

    def _state(self, instrument: InstrumentReplica) -> Sequence[Message]:
        """Return the book; nothing if it is deep and not ready."""
        if self._deep is not None and self._deep.is_deep(instrument):
            return self._deep.state(instrument)
        return (self.snapshot(instrument),)

    def since(self, symbol: str, told: Sequence[Message]) -> Sequence[Message]:
        """Return a merged delta after the snapshot sent, if the book is still of its history."""
        news = self._since(symbol, told)
        return self.state_of(symbol) if news is None else (*news, *self.auction_since(symbol, told))

    def needs_state(self, symbol: str, told: Sequence[Message]) -> bool:
        """Tell whether `since` gives a state: no delta leads on."""
        return not self._market.instruments[symbol].is_broken and self._since(symbol, told) is None

    def _since(self, symbol: str, told: Sequence[Message]) -> Sequence[Message] | None:
        instrument = self._market.instruments[symbol]
        if instrument.is_broken or not told:
            return None
        (epoch, seq, digest), book = _position(told), instrument.book
        if (epoch, seq) == (book.epoch, book.seq):
            return ()
        is_known = epoch == book.epoch and instrument.history.holds(seq, digest)
        delta = instrument.delta_since(seq) if is_known else None
        return None if delta is None else (delta,)

    def marks(self) -> dict[str, BookMark]:
        """Return the seq up to which the members have been sent each book; O(books)."""
        listed = self._market.instruments
        return {
            symbol: BookMark(seq, listed[symbol].history, self._auctions.get(symbol))
            for symbol, seq in self.sent.items()
            if symbol in listed
        }

    def marks_of(self, told: Mapping[str, Sequence[Message]]) -> dict[str, BookMark]:
        """Return the same for a listener that was sent these snapshots, as far as they are of the books' histories."""
        marks = {}
        for symbol, messages in told.items():
            instrument = self._market.instruments.get(symbol)
            if instrument is not None and messages:
                _, seq, digest = _position(messages)
                if instrument.history.holds(seq, digest):
                    auction = next((message for message in messages if isinstance(message, Auction)), None)
                    marks[symbol] = BookMark(seq, instrument.history, auction)
        return marks

    def behind(self, symbol: str, mark: BookMark | None) -> Sequence[Message]:
        """Return one merged delta after a mark; the state for a new member if no delta leads on from there."""
        delta = self._delta_behind(symbol, mark)
        return self.state_of(symbol) if delta is None else (delta, *self.auction_since(symbol))

    def _delta_behind(self, symbol: str, mark: BookMark | None) -> Delta | None:
        instrument = self._market.instruments[symbol]
        if mark is None or mark.history is not instrument.history or instrument.is_broken:
            return None
        return instrument.delta_since(mark.seq)

    def snapshot(self, instrument: InstrumentReplica) -> Snapshot:
        """Return the book as it stands; made once for all who ask at the same seq."""
        held = self._snapshots.get(instrument.symbol)
        if held is None or held.seq != instrument.book.seq or held.epoch != instrument.book.epoch:
            held = self._snapshots[instrument.symbol] = instrument.snapshot()
        return held


class WindowChannel(Channel[MemberT]):
    """
    The best levels of books: a snapshot, then deltas of the window.

    A level that leaves the window is removed and one that enters is set, so a member always holds exactly the window.
    New members get the window as last sent: unlike whole books, whose merged deltas name every level touched, two
    windows are compared by their ends, and a member must be where the comparison begins.
    """

    tells_auctions = True

    def __init__(self, key: ChannelKey, market: MarketReplica) -> None:
        super().__init__(key, market)
        self.sent: dict[str, int] = {}
        self._windows: dict[str, Snapshot] = {}

    def begin(self) -> None:
        """Count the present windows as sent; of very many, each is sent in full once more when it changes first."""
        super().begin()
        self._windows.clear()
        instruments, symbols = self._market.instruments, self.symbols()
        self.sent = {symbol: instruments[symbol].book.seq for symbol in symbols}
        if len(symbols) <= WINDOWS_AT_ONCE_MAX:
            for symbol in symbols:
                self._send(self._window(instruments[symbol]))

    def restart(self, symbol: str) -> None:
        """Forget the window sent."""
        self.sent.pop(symbol, None)
        self._windows.pop(symbol, None)
        super().restart(symbol)

    def _news(self, instrument: InstrumentReplica) -> Sequence[Message]:
        before = self._windows.get(instrument.symbol)
        after = self._window(instrument)
        if before is None:
            return (self._send(after),)
        bids, asks = _difference(before.bids, after.bids), _difference(before.asks, after.asks)
        if not bids and not asks:
            return ()
        self._send(after)
        return (Delta(after.instrument, before.seq, after.seq, after.time, after.depth, bids, asks, after.digest),)

    def _state(self, instrument: InstrumentReplica) -> Sequence[Message]:
        # Without a window sent, the next flush sends one to all: it must not be counted as sent by who joins before.
        return (self._windows.get(instrument.symbol) or self._window(instrument),)

    def since(self, symbol: str, told: Sequence[Message]) -> Sequence[Message]:
        """Return the window as last sent to all, if this listener was sent another; O(1) if it was not."""
        instrument = self._market.instruments[symbol]
        if instrument.is_broken or not told:
            return self.state_of(symbol)
        snapshot = told[0]
        assert isinstance(snapshot, Snapshot)
        held = self._windows.get(symbol)
        epoch, seq = (instrument.book.epoch, instrument.book.seq) if held is None else (held.epoch, held.seq)
        is_same = (snapshot.epoch, snapshot.seq) == (epoch, seq)
        return self.auction_since(symbol, told) if is_same else self.state_of(symbol)

    def _send(self, window: Snapshot) -> Snapshot:
        self._windows[window.instrument] = window
        self.sent[window.instrument] = window.seq
        return window

    def _window(self, instrument: InstrumentReplica) -> Snapshot:
        book, depth = instrument.book, self.key.depth
        bids, asks = instrument.levels(depth)
        digest = book_digest(((level[0], level[1]) for level in bids), ((level[0], level[1]) for level in asks))
        return Snapshot(instrument.symbol, book.epoch, book.seq, book.time, depth, bids, asks, digest)


class TopChannel(WindowChannel[MemberT]):
    """The best levels of books, all of them each time they change: clients that only show them keep no state."""

    def _news(self, instrument: InstrumentReplica) -> Sequence[Message]:
        return (self._windows[instrument.symbol],) if super()._news(instrument) else ()


class TickerChannel(Channel[MemberT]):
    """Best prices and statistics, all of them each time they change; a new member gets them as last sent."""

    tells_auctions = True

    def __init__(self, key: ChannelKey, market: MarketReplica) -> None:
        super().__init__(key, market)
        self._shown: dict[str, Ticker] = {}

    def begin(self) -> None:
        """Count the present tickers as sent."""
        super().begin()
        self._shown = {symbol: self._market.instruments[symbol].ticker() for symbol in self.symbols()}

    def restart(self, symbol: str) -> None:
        """Forget the ticker sent."""
        self._shown.pop(symbol, None)
        super().restart(symbol)

    def _news(self, instrument: InstrumentReplica) -> Sequence[Message]:
        before = self._shown.get(instrument.symbol)
        ticker = instrument.ticker()
        if before is not None and before[3:] == ticker[3:]:
            return ()
        self._shown[instrument.symbol] = ticker
        return (ticker,)

    def _state(self, instrument: InstrumentReplica) -> Sequence[Message]:
        return (self._shown.get(instrument.symbol) or instrument.ticker(),)


class TradesChannel(Channel[MemberT]):
    """Every trade, none merged; what cannot be had any more is announced as missing."""

    def __init__(self, key: ChannelKey, market: MarketReplica) -> None:
        super().__init__(key, market)
        self.sent: dict[str, int] = {}
        """Instrument to the last trade id that members have been sent."""
        self._pending: list[tuple[str, int, Message]] = []  # instrument, the last id sent with it, message

    def begin(self) -> None:
        """Count all trades until now as sent."""
        super().begin()
        self._pending.clear()
        self.sent = {symbol: self._market.instruments[symbol].trade_id for symbol in self.symbols()}

    def add(self, symbol: str, trade_id: int, message: Trade | Status) -> None:
        """Queue a trade, or the announcement of missing ones up to an id, for the next flush."""
        self._pending.append((symbol, trade_id, message))

    def renumber(self, symbol: str, shared_id: int) -> int:
        """
        Note that trade ids begin anew after one; O(trades queued).

        Returns:
            The last id that members will have been sent of the numbering that has ended.
        """
        queued = [trade_id for name, trade_id, _ in self._pending if name == symbol]
        told = queued[-1] if queued else self.sent.get(symbol, 0)
        self._pending = [(each[0], shared_id, each[2]) if each[0] == symbol else each for each in self._pending]
        self.sent[symbol] = shared_id
        return told

    def forget(self, symbol: str) -> None:
        """Forget an instrument that is listed no more; what was queued still goes out."""
        super().forget(symbol)
        self.sent.pop(symbol, None)

    def collect(self) -> list[Message]:
        """Return the trades since the last flush."""
        pending, self._pending = self._pending, []
        listed = self._market.instruments
        for symbol, trade_id, _ in pending:
            if symbol in listed:
                self.sent[symbol] = trade_id
        self._dirty.clear()
        return [message for _, _, message in pending]

    def marks(self) -> dict[str, TapeMark]:
        """Return up to which trades the members have been sent; O(instruments, and trades queued)."""
        marks = {symbol: TapeMark(sent) for symbol, sent in self.sent.items()}
        for symbol, counted, message in self._pending:
            if symbol in marks and isinstance(message, Trade):
                marks[symbol] = marks[symbol].without(message.trade_id, counted)
        return marks

    def marks_of(self, told: Mapping[str, Sequence[Message]]) -> dict[str, TapeMark]:
        """Return the same for a listener that joins, and was sent these: of the others it gets the last trades too."""
        return {symbol: TapeMark(self._mark_of(symbol, told.get(symbol, ()))) for symbol in self.symbols()}

    def missed(self, marks: Mapping[str, TapeMark]) -> list[Message]:
        """Return the trades sent to members after these marks, and announce those that cannot be had any more."""
        messages: list[Message] = []
        for symbol in self.sent:
            messages += self.missed_of(symbol, marks.get(symbol, TapeMark()))
        return messages

    def since(self, symbol: str, told: Sequence[Message]) -> Sequence[Message]:
        """Return the trades after those sent, unless ids have begun anew: then the last ones."""
        last = told[-1] if told else None
        trades = self._market.instruments[symbol].trades
        if (
            not isinstance(last, Trade)
            or not trades
            or (trades[-1].trade_id, trades[-1].time) < (last.trade_id, last.time)
        ):
            return self.state_of(symbol)
        return self.missed_of(symbol, TapeMark(last.trade_id))

    def _mark_of(self, symbol: str, told: Sequence[Message]) -> int:
        instrument = self._market.instruments[symbol]
        last, trades = told[-1] if told else None, instrument.trades
        if isinstance(last, Trade) and last.trade_id <= instrument.trade_id:
            return last.trade_id
        return trades[-min(len(trades), TRADES_ON_JOIN_MAX)].trade_id - 1 if trades else instrument.trade_id

    def missed_of(self, symbol: str, told: TapeMark) -> list[Message]:
        """Return the same of one instrument; O(trades kept)."""
        messages: list[Message] = []
        (mark, lost), sent = told, self.sent.get(symbol, 0)
        if lost is not None:
            messages.append(missing_trades(symbol, *lost))
        trades = [t for t in self._market.instruments[symbol].trades if mark < t.trade_id <= sent]
        first = trades[0].trade_id if trades else sent + 1
        if first > mark + 1:
            messages.append(missing_trades(symbol, mark + 1, first - 1))
        messages += trades
        return messages

    def _news(self, instrument: InstrumentReplica) -> Sequence[Message]:
        raise AssertionError(f"trades of {instrument.symbol} are queued, not looked up")

    def _state(self, instrument: InstrumentReplica) -> Sequence[Message]:
        return tuple(instrument.trades)[-TRADES_ON_JOIN_MAX:]


def _position(told: Sequence[Message]) -> tuple[int, int, int]:
    """Return epoch, seq and digest of the book that a snapshot, and perhaps a delta behind it, lead to."""
    snapshot = told[0]
    assert isinstance(snapshot, Snapshot)
    last = [message for message in told if isinstance(message, Snapshot | Delta)][-1]
    return snapshot.epoch, last.seq, last.digest


def missing_trades(symbol: str, first: int, last: int) -> Status:
    """Announce trades that cannot be had any more, by their ids."""
    return Status(symbol, MarketState.RESYNCING, f"trades {first} to {last} are missing", 0)


class StatusChannel(Channel[MemberT]):
    """States of instruments, each time they change."""

    def _news(self, instrument: InstrumentReplica) -> Sequence[Message]:
        return (instrument.status(),)

    def _state(self, instrument: InstrumentReplica) -> Sequence[Message]:
        return (instrument.status(),)


def open_channel(key: ChannelKey, market: MarketReplica, deep: DeepSnapshots | None = None) -> Channel[Any]:
    """Make the channel that a key describes."""
    match key.kind:
        case "book":
            return WindowChannel(key, market) if key.depth else BookChannel(key, market, deep)
        case "top":
            return TopChannel(key, market)
        case "ticker":
            return TickerChannel(key, market)
        case "trades":
            return TradesChannel(key, market)
        case "status":
            return StatusChannel(key, market)
    raise AssertionError(f"no channel of kind {key.kind}")


def _difference(before: Sequence[Level], after: Sequence[Level]) -> list[Level]:
    held = {level[0]: level[1] for level in before}
    changed: list[Level] = [(level[0], level[1]) for level in after if held.pop(level[0], 0) != level[1]]
    return changed + [(price, 0) for price in held]
