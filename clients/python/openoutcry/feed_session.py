"""One user's conversation with the exchange, over any number of connections, without a socket.

Sans-I/O: `receive` takes a frame, `events` hands over what happened, `frames_to_send` the frames to send,
`next_deadline` and `on_deadline` bring in time. Owns everything that a client must get right: sequence and digest of
every book, marking it `stale` and asking again, resuming after a reconnection, the private account, each trade once,
replies to their requests. Leaves to its owner when and where to connect.

Total: whatever bytes come, `receive` raises nothing. A peer that breaks the protocol must be left (`CloseRequired`).
Source: docs/protocol.md, "The client's rule".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, assert_never

from openoutcry.account_view import AccountView
from openoutcry.arguments import checked_fields, one_instrument, text, whole_number
from openoutcry.book_view import BookView, Finding
from openoutcry.errors import Disconnected, refusal
from openoutcry.events import (
    AccountLoaded,
    AccountStale,
    AuctionChanged,
    BookChanged,
    BookStale,
    CloseRequired,
    Connected,
    ConnectionEnded,
    Event,
    ExecutionSeen,
    GoodbyeReceived,
    InstrumentListed,
    ReplyReceived,
    StaleReason,
    StatusChanged,
    SubscriptionAccepted,
    SubscriptionRefused,
    TermsChanged,
    TickerChanged,
    TradeSeen,
    TradesMissing,
    TransferSeen,
)
from openoutcry.listing_view import ListingView
from openoutcry.message_shape import NUMBER_MAX, check_message
from openoutcry.pending_requests import PendingRequest, PendingRequests
from openoutcry.session_state import TRANSITIONS, SessionState
from openoutcry.subscriptions import ACCOUNT, Standing, Subscription, Subscriptions
from openoutcry.trade_tape import TradeTape
from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding, decode_messages, encode_request
from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import (
    Account,
    Auction,
    Delta,
    Execution,
    Goodbye,
    Heartbeat,
    Message,
    Reply,
    Snapshot,
    Status,
    Terms,
    Ticker,
    Trade,
    Transfer,
    Welcome,
)
from openoutcry.wire.types import Code, MarketState
from openoutcry.wire.value_text import value_text

WELCOME_S: Final = 5.0
"""Time for the server to say who we are; then the connection is given up."""
HEARTBEATS_MISSED_MAX: Final = 3
"""So many heartbeats' time of silence, and the connection is given up: 3 s at the usual one a second."""
ANSWER_S: Final = 3.0
"""Time for the snapshot that a stale book needs; then it is asked for again, for as long as the connection lives."""
SUBSCRIBE_S: Final = 8.0
"""Time for the answer to a subscription; then the connection is given up, since nothing would ever come."""
RETRY_S: Final = 1.0
"""Wait before asking again for a subscription that was refused for now: `rate_limited`, `busy`, or no feed."""
PRESENT_S: Final = 2.0
"""Time between two `present`s while cancel-on-disconnect is on: after 5 s without a request we count as away."""
PENDING_REQUESTS_MAX: Final = 1024
"""Requests of the owner's without a reply; beyond it a request is refused here."""
CHANNELS: Final = ("book", "ticker", "trades", "status")
"""The channels in which an instrument can be followed here."""
UNREADY: Final = (MarketState.STALE, MarketState.RESYNCING)
"""States of the gateway's feed in which it vouches for nothing."""


class FeedSession:
    """
    The conversation.

    Args:
        encoding: Of both directions.

    Raises:
        ConfigurationError: If the encoding is none.
    """

    def __init__(self, encoding: Encoding | str = Encoding.MSGPACK) -> None:
        self.encoding = Encoding.chosen(encoding)
        self.state = SessionState.OFFLINE
        self.welcome: Welcome | None = None
        """The present connection's, or the last one's."""
        self.books: dict[str, BookView] = {}
        """The followed books by symbol. Read only, like all that follow."""
        self.tickers: dict[str, Ticker] = {}
        self.statuses: dict[str | None, Status] = {}
        """By symbol; None is the gateway's own feed."""
        self.terms: dict[str, Terms] = {}
        """By symbol, as far as heard; an instrument that is not there has none, or its listing was not asked for."""
        self.auctions: dict[str, Auction] = {}
        """Of the instruments that are in a call, as far as a followed book or ticker tells."""
        self._listing = ListingView()
        self.account = AccountView(self.listing)
        self._tapes: dict[str, TradeTape] = {}
        self._subscriptions = Subscriptions()
        self._pending = PendingRequests()
        self._events: list[Event] = []
        self._frames: list[bytes] = []
        self._silent_at: float | None = None
        self._ask_at: float | None = None
        self._snapshots_due: dict[str, float] = {}
        self._subscribing: dict[int, float] = {}
        """Until when the answer to each request to subscribe may come, the oldest first."""
        self._current_tickers: set[str] = set()
        """Instruments whose ticker came on the present connection."""
        self._is_watched = False
        """Whether cancel-on-disconnect is on, as far as we know."""
        self._present_at: float | None = None
        """When to say `present` again; None while nobody wants to hear it."""

    @property
    def is_fed(self) -> bool:
        """Whether the server was there when anything was last received, and itself hears the exchange."""
        return self.state is SessionState.OPEN and self._feed_state() not in UNREADY

    @property
    def listing(self) -> dict[str, Instrument]:
        """Definitions by symbol, as far as heard; read only."""
        return self._listing.definitions

    @property
    def is_listing_whole(self) -> bool:
        """Whether all definitions of the last answer to `instruments` have come."""
        return self._listing.is_whole

    def has_ticker(self, instrument: str) -> bool:
        """Tell whether the ticker held is one that the present connection brought, and is still followed."""
        return instrument in self._current_tickers

    def is_silent(self, now: float) -> bool:
        """
        Tell whether no heartbeat has been received for so long that nothing can be vouched for.

        Owners ask it whenever they are asked whether something is stale: a program that was busy for longer than that
        has not received what came meanwhile, and `on_deadline` has not been called.
        """
        return self._silent_at is not None and now >= self._silent_at

    # -- the connection ---------------------------------------------------------------------------------------------

    def connected(self, now: float) -> None:
        """Begin to listen on a new connection, whose handshake named the user."""
        self._move(SessionState.GREETING)
        self._silent_at = now + WELCOME_S

    def disconnected(self, code: int, reason: str) -> None:
        """Note that the connection is gone: nothing can be vouched for, and no reply will come."""
        self._move(SessionState.OFFLINE)
        self._silent_at = self._ask_at = self._present_at = None
        self._frames.clear()
        self._snapshots_due.clear()
        self._subscribing.clear()
        self._current_tickers.clear()
        self.auctions.clear()
        self._listing.lose()
        self.statuses.pop(None, None)
        self._subscriptions.reset()
        self._lose_everything(StaleReason.DISCONNECTED)
        self._events += self._pending.lose()
        self._events.append(ConnectionEnded(code, reason))

    def close(self, code: int, reason: str) -> None:
        """Ask the owner to close the connection; the first call decides."""
        if self.state in (SessionState.GREETING, SessionState.OPEN):
            self._move(SessionState.CLOSING)
            self._silent_at = self._ask_at = self._present_at = None
            self._snapshots_due.clear()
            self._subscribing.clear()
            self._current_tickers.clear()
            self._lose_everything(StaleReason.DISCONNECTED)
            self._events.append(CloseRequired(code, reason))

    # -- receiving --------------------------------------------------------------------------------------------------

    def receive(self, frame: bytes, now: float) -> None:
        """
        Take one frame's payload.

        Args:
            frame: As it came; text frames as UTF-8.
            now: Monotonic seconds.
        """
        try:
            for message in decode_messages(frame, self.encoding):
                if self.state in (SessionState.GREETING, SessionState.OPEN):
                    self._hear(check_message(message), now)
            self._say_present(now)
        except MalformedMessage as error:
            self.close(CloseCode.HEARTBEAT_MISSED, str(error))

    def events(self) -> list[Event]:
        """Hand over what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def frames_to_send(self) -> list[bytes]:
        """Hand over the payloads queued since the last call, in order."""
        frames, self._frames = self._frames, []
        return frames

    # -- time -------------------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_deadline`, monotonic seconds; None means never."""
        own = (self._silent_at, self._ask_at, self._present_at, next(iter(self._subscribing.values()), None))
        deadlines = [at for at in (*own, *self._snapshots_due.values()) if at is not None]
        return min(deadlines, default=None)

    def on_deadline(self, now: float) -> None:
        """Give up a silent server, and ask again for what has not come."""
        if self._silent_at is not None and now >= self._silent_at:
            self.close(CloseCode.HEARTBEAT_MISSED, "nothing heard from the server")
            return
        if any(now >= due for due in self._subscribing.values()):
            self.close(CloseCode.HEARTBEAT_MISSED, f"no answer to a subscription within {SUBSCRIBE_S:g} s")
            return
        if self._ask_at is not None and now >= self._ask_at:
            self._ask_wanted(now)
        for instrument in [symbol for symbol, due in self._snapshots_due.items() if now >= due]:
            self._ask_snapshot(instrument, now)
        self._say_present(now)

    # -- following --------------------------------------------------------------------------------------------------

    def follow_book(self, instrument: str, depth: int, interval_ms: int, now: float) -> BookView:
        """
        Keep a replica of a book, for good: every new connection resumes it.

        Args:
            instrument: Symbol.
            depth: Levels a side, one of `openoutcry.wire.types.DEPTHS`; 0 is the whole book.
            interval_ms: Shortest time between updates, one of `INTERVALS_MS`; 0 is the server's pace.
            now: Monotonic seconds.

        Returns:
            The view, stale until its first snapshot has come. A book followed already, at another depth or
            interval, is replaced: a connection has one subscription a book.

        Raises:
            InvalidArgument: If depth or interval is no integer, or the instrument is the name of none.
        """
        instrument = one_instrument(instrument)
        depth, interval_ms = whole_number("depth", depth), whole_number("interval_ms", interval_ms)
        held = self.books.get(instrument)
        if held is not None and (held.book.depth, held.interval_ms) == (depth, interval_ms):
            return held
        if held is not None:
            held.end(StaleReason.UNFOLLOWED)
        view = self.books[instrument] = BookView(instrument, depth, interval_ms)
        self._want(Subscription("book", instrument, depth, interval_ms), now)
        return view

    def follow(self, channel: str, instrument: str, now: float) -> None:
        """
        Follow `ticker`, `trades` or `status` of an instrument or of all ("*"), for good; twice is once.

        Raises:
            InvalidArgument: If the instrument is no text that a request can hold.
        """
        instrument = text("instrument", instrument)
        if (channel, instrument) not in self._subscriptions:
            self._want(Subscription(channel, instrument), now)

    def follow_account(self, now: float) -> AccountView:
        """Keep the user's account, for good."""
        if ACCOUNT not in self._subscriptions:
            if self.state is SessionState.OPEN:
                self._ask({"op": "instruments"})
            self._want(Subscription(*ACCOUNT), now)
        return self.account

    def is_following(self, channel: str, instrument: str) -> bool:
        """Tell whether the server has accepted this subscription on the present connection."""
        return self._subscriptions.is_active((channel, instrument))

    def unfollow(self, channel: str, instrument: str) -> None:
        """Follow it no longer; what was not followed is ignored. Raises as `follow`."""
        subscription = self._forget((channel, text("instrument", instrument)))
        if subscription is not None and subscription.standing is not Standing.WANTED:
            self._ask({"op": "unsubscribe", "channel": channel, "instruments": [instrument]})

    # -- asking -----------------------------------------------------------------------------------------------------

    def request(self, op: str, **fields: Any) -> int:
        """
        Ask something of the server; `ReplyReceived` or `RequestLost` will name the id returned.

        Args:
            op: The request's name.
            **fields: Its fields; those that are None are left out.

        Raises:
            Disconnected: If there is no connection; nothing was sent.
            InvalidArgument: If a field is not of its type, such as a price that is no whole number; nothing was sent.
            RequestRefused: If too many requests have no reply yet; nothing was sent. An `OrderRefused` of orders.
        """
        present = checked_fields(fields)
        if self.state is not SessionState.OPEN:
            raise Disconnected(1006, "not connected at present; nothing was sent")
        if len(self._pending) >= PENDING_REQUESTS_MAX:
            why = f"{PENDING_REQUESTS_MAX} requests have no reply yet; nothing was sent"
            raise refusal(op, Code.BUSY, why, fields.get("client_order_id"))
        switches_on = bool(fields.get("on")) if op == "cancel_on_disconnect" else None
        request_id = self._ask({"op": op, **present}, is_ours=False, switches_on=switches_on)
        if switches_on and not self._is_watched:
            self._watch(on=True)
            self._ask({"op": "present"})  # from here on, and again with the next heartbeat
        return request_id

    def forget(self, request_id: int) -> None:
        """Wait for the reply to a request no longer; one that comes later is an answer to nothing."""
        self._pending.take(request_id)

    # -- messages ---------------------------------------------------------------------------------------------------

    def _hear(self, message: Message, now: float) -> None:  # noqa: PLR0912 - a line a type
        match message:
            case Goodbye():
                self._events.append(GoodbyeReceived(message))
            case Welcome():
                self._hear_welcome(message, now)
            case _ if self.state is SessionState.GREETING:
                raise MalformedMessage(f"{type(message).__name__.lower()} before welcome")
            case Delta():
                self._note_book(message.instrument, self._on_delta(message), now)
            case Snapshot():
                self._note_book(message.instrument, self._on_snapshot(message), now)
            case Ticker():
                self.tickers[message.instrument] = message
                self._current_tickers.add(message.instrument)
                self._events.append(TickerChanged(message))
            case Trade():
                self._hear_trade(message)
            case Heartbeat():
                self._hear_heartbeat(message, now)
            case Execution() | Transfer():
                self._hear_private(message, now)
            case Reply():
                self._hear_reply(message, now)
            case Account():
                self.account.on_account(message)
                self._watch(on=message.cancel_on_disconnect)
                self._events.append(AccountLoaded(message.user_seq))
            case Status():
                self._hear_status(message, now)
            case Instrument() | Terms() | Auction():
                self._hear_instrument(message)
            case _:
                assert_never(message)

    def _hear_welcome(self, welcome: Welcome, now: float) -> None:
        if self.state is SessionState.OPEN:
            raise MalformedMessage("welcome: a second one")
        self._move(SessionState.OPEN)
        self.welcome = welcome
        self._listen_on(now)
        self._events.append(Connected(welcome))
        if self._is_watched:
            self._present_at = now
        if ACCOUNT in self._subscriptions or self.terms:  # terms change, and may have while we were away
            self._ask({"op": "instruments"})
        self._ask_wanted(now)

    def _hear_trade(self, trade: Trade) -> None:
        is_new, missing = self._tapes.setdefault(trade.instrument, TradeTape()).observe(trade)
        if missing is not None:
            self._events.append(TradesMissing(trade.instrument, *missing))
        if is_new:
            self._events.append(TradeSeen(trade))

    def _hear_heartbeat(self, heartbeat: Heartbeat, now: float) -> None:
        self._listen_on(now)
        if not self.is_fed:
            return  # nothing is missing on this connection, but much may be before it
        for instrument, seq in heartbeat.books.items():
            view = self.books.get(instrument)
            if view is not None:
                self._note_book(instrument, view.on_heartbeat(seq), now)

    def _hear_instrument(self, message: Instrument | Terms | Auction) -> None:
        if isinstance(message, Instrument):
            self._listing.hear(message)
            self._events.append(InstrumentListed(message))
        elif isinstance(message, Terms):
            self.terms[message.instrument] = message
            self._events.append(TermsChanged(message))
        else:
            self._hear_auction(message)

    def _hear_auction(self, auction: Auction) -> None:
        if auction.kind:
            self.auctions[auction.instrument] = auction
        else:
            self.auctions.pop(auction.instrument, None)
        self._events.append(AuctionChanged(auction))

    def _hear_private(self, message: Execution | Transfer, now: float) -> None:
        if isinstance(message, Execution):
            finding = self.account.on_execution(message)
        else:
            finding = self.account.on_transfer(message)
        if finding is Finding.VERIFIED:
            self._events.append(ExecutionSeen(message) if isinstance(message, Execution) else TransferSeen(message))
        elif finding is Finding.BROKEN:
            self._events.append(AccountStale(StaleReason.GAP))
            self._reload_account(now)

    def _hear_status(self, status: Status, now: float) -> None:
        was_fed = self.is_fed
        if status.instrument is None or status.state != MarketState.RESYNCING:
            self.statuses[status.instrument] = status  # else trades are missing, and the instrument is as it was
        self._events.append(StatusChanged(status))
        if status.instrument is not None:
            if status.state == MarketState.DELISTED:
                self._end_instrument(status.instrument, status.reason)
            return
        if was_fed and not self.is_fed:
            self._lose_everything(StaleReason.FEED)
        elif self.is_fed and not was_fed:
            self._reload_account(now)

    def _hear_reply(self, reply: Reply, now: float) -> None:
        pending = self._pending.take(reply.id)
        if pending is None:
            return  # an answer to nothing we asked changes nothing
        self._subscribing.pop(reply.id, None)  # type: ignore[arg-type]  # the ids of ours are numbers
        if pending.op == "instruments" and reply.ok:
            self._listing.expect(_count(reply))
            self.terms.clear()  # what follows has all of them
        if pending.switches_on is not None and reply.ok:
            self._watch(on=pending.switches_on)
        if not pending.is_ours:
            self._events.append(ReplyReceived(reply))
        elif pending.op == "present" and reply.code == Code.UNKNOWN_OP:
            self._present_at = None  # a gateway of before: it goes by pongs
        elif pending.op == "subscribe" and reply.ok:
            self._subscriptions.set_standing(pending.keys, Standing.ACTIVE)
            self._events += [SubscriptionAccepted(*key) for key in pending.keys if key in self._subscriptions]
        elif pending.keys and not reply.ok:
            self._hear_refusal(pending.keys, reply, now)

    def _hear_refusal(self, keys: list[tuple[str, str]], reply: Reply, now: float) -> None:
        if reply.code in (Code.RATE_LIMITED, Code.BUSY) or not self.is_fed:  # a server without its feed knows little
            self._subscriptions.set_standing(keys, Standing.WANTED)
            self._ask_at = now + RETRY_S
        elif reply.code == Code.NOT_SUBSCRIBED:  # a resync of a book that the server does not know we follow
            self._subscriptions.set_standing(keys, Standing.WANTED)
            self._ask_wanted(now)
        elif len(keys) > 1:
            self._subscriptions.separate(keys)
            self._ask_wanted(now)
        else:
            self._drop(keys[0], reply.code, reply.text)

    # -- books ------------------------------------------------------------------------------------------------------

    def _on_delta(self, delta: Delta) -> Finding:
        view = self.books.get(delta.instrument)
        return Finding.NOTHING if view is None else view.on_delta(delta)

    def _on_snapshot(self, snapshot: Snapshot) -> Finding:
        view = self.books.get(snapshot.instrument)
        return Finding.NOTHING if view is None else view.on_snapshot(snapshot)

    def _note_book(self, instrument: str, finding: Finding, now: float) -> None:
        if finding is Finding.NOTHING:
            return
        view = self.books[instrument]
        if finding is Finding.VERIFIED:
            self._snapshots_due.pop(instrument, None)
            self._events.append(BookChanged(instrument, view.book.seq))
            if not self.is_fed:
                self._lose_book(instrument, view, StaleReason.FEED)  # right, but of when?
            return
        assert view.stale_reason is not None
        self._events.append(BookStale(instrument, view.stale_reason))
        self._ask_snapshot(instrument, now)

    def _lose_book(self, instrument: str, view: BookView, reason: StaleReason) -> None:
        if view.lose(reason):
            self._events.append(BookStale(instrument, reason))

    def _ask_snapshot(self, instrument: str, now: float) -> None:
        self._snapshots_due[instrument] = now + ANSWER_S
        self._ask({"op": "resync", "instrument": instrument}, keys=[("book", instrument)])

    # -- presence ---------------------------------------------------------------------------------------------------

    def _watch(self, *, on: bool) -> None:
        """Note whether cancel-on-disconnect is on; from now on it is our own code that says that we are here."""
        if on is not self._is_watched:
            self._is_watched = on
            self._present_at = 0.0 if on else None  # said when the frame under way is read

    def _say_present(self, now: float) -> None:
        if self.state is SessionState.OPEN and self._present_at is not None and now >= self._present_at:
            self._present_at = now + PRESENT_S
            self._ask({"op": "present"})

    # -- private ----------------------------------------------------------------------------------------------------

    def _move(self, state: SessionState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} to {state}"
        self.state = state

    def _feed_state(self) -> str:
        status = self.statuses.get(None)
        return MarketState.OPEN if status is None else status.state

    def _listen_on(self, now: float) -> None:
        assert self.welcome is not None
        self._silent_at = now + HEARTBEATS_MISSED_MAX * self.welcome.heartbeat_ms / 1000

    def _lose_everything(self, reason: StaleReason) -> None:
        for instrument, view in self.books.items():
            self._lose_book(instrument, view, reason)
        if self.account.lose(reason):
            self._events.append(AccountStale(reason))

    def _reload_account(self, now: float) -> None:
        """Ask for the account anew, and for definitions first: an unknown one may be why it broke."""
        if ACCOUNT in self._subscriptions:
            self._ask({"op": "instruments"})
            self._want(Subscription(*ACCOUNT), now)

    def _end_instrument(self, instrument: str, reason: str) -> None:
        """Forget what a new epoch does not list: the server has ended what was followed of it."""
        self._listing.forget(instrument)
        self.terms.pop(instrument, None)
        self.tickers.pop(instrument, None)
        self.auctions.pop(instrument, None)
        self._current_tickers.discard(instrument)
        self._tapes.pop(instrument, None)
        view = self.books.get(instrument)
        if view is not None:
            view.end(StaleReason.DELISTED)
            self._events.append(BookStale(instrument, StaleReason.DELISTED))
        for channel in CHANNELS:
            self._drop((channel, instrument), Code.UNKNOWN_INSTRUMENT, reason)

    def _drop(self, key: tuple[str, str], code: str, why: str) -> None:
        if self._forget(key) is not None:
            self._events.append(SubscriptionRefused(*key, code, why))

    def _forget(self, key: tuple[str, str]) -> Subscription | None:
        """Follow it no longer; who holds its book, or reads its ticker, sees that nothing vouches for it."""
        channel, instrument = key
        subscription = self._subscriptions.remove(key)
        if channel == "book":
            self._snapshots_due.pop(instrument, None)
            view = self.books.pop(instrument, None)
            if view is not None and view.stale_reason is not StaleReason.DELISTED:
                view.end(StaleReason.UNFOLLOWED)
        elif channel == "ticker":
            self._current_tickers.discard(instrument)
        return subscription

    def _want(self, subscription: Subscription, now: float) -> None:
        self._subscriptions.add(subscription)
        if self._ask_at is None:  # else the server has asked us to slow down
            self._ask_wanted(now)

    def _ask_wanted(self, now: float) -> None:
        self._ask_at = None
        if self.state is SessionState.OPEN:
            for group in self._subscriptions.take_wanted():
                self._subscribe(group, now)

    def _subscribe(self, group: list[Subscription], now: float) -> None:
        first = group[0]
        fields: dict[str, Any] = {"op": "subscribe", "channel": first.channel}
        if first.key != ACCOUNT:
            fields["instruments"] = [subscription.instrument for subscription in group]
        if first.interval_ms:
            fields["interval_ms"] = first.interval_ms
        if first.channel == "book":
            fields |= {"depth": first.depth, "resume": self._positions(fields["instruments"])}
            self._snapshots_due |= dict.fromkeys(fields["instruments"], now + ANSWER_S)
        request_id = self._ask(fields, keys=[subscription.key for subscription in group])
        self._subscribing[request_id] = now + SUBSCRIBE_S

    def _positions(self, instruments: Iterable[str]) -> dict[str, tuple[int, int, int]]:
        positions = ((instrument, self.books[instrument].position()) for instrument in instruments)
        return {instrument: position for instrument, position in positions if position is not None}

    def _ask(
        self,
        fields: dict[str, Any],
        keys: list[tuple[str, str]] | None = None,
        *,
        is_ours: bool = True,
        switches_on: bool | None = None,
    ) -> int:
        if self.state is not SessionState.OPEN:
            return 0
        request_id = self._pending.add(PendingRequest(fields["op"], keys or [], is_ours, switches_on))
        self._frames.append(encode_request(fields | {"id": request_id}, self.encoding))
        return request_id


def _count(reply: Reply) -> int:
    count = reply.data.get("count")
    if type(count) is not int or not 0 <= count <= NUMBER_MAX:
        raise MalformedMessage(f"reply: count of instruments cannot be {value_text(count)}")
    return count
