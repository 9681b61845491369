"""One user's conversation, without its socket.

`connected` queues the subscriptions, `receive` takes decoded frames, `requests_to_send` hands over what must be sent.
Every delta's place in its chain is checked for every user. A verifying user also keeps complete books and digests.
Books outlive connections: a reconnecting user resumes from (epoch, seq, digest), at any gateway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.messages import TYPE_CODES, Account, Delta, Execution, Heartbeat, Reply, Snapshot, Ticker, Trade
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from outcry.load.book_position import BookHealth, BookPosition, FinalBook
from outcry.load.counts import LoadCounts
from outcry.load.delays import Delays
from outcry.load.latency import LatencyRecorder
from outcry.load.mix import PlannedSubscription
from outcry.load.order_desk import OrderDesk, Quote

TICKER_INTERVAL_MS: Final = 250
"""Prices of the whole market, as often as a person can read them."""
TRADES_SHOWN: Final = 40
"""As many as a tall terminal has lines for; they are kept by users who verify, of whom one is looked at."""

_STALE: Final = BookHealth.STALE
_DELTA: Final = TYPE_CODES[Delta]
_SNAPSHOT: Final = TYPE_CODES[Snapshot]
_HEARTBEAT: Final = TYPE_CODES[Heartbeat]
_TICKER: Final = TYPE_CODES[Ticker]
_TRADE: Final = TYPE_CODES[Trade]
_REPLY: Final = TYPE_CODES[Reply]
_ACCOUNT: Final = TYPE_CODES[Account]
_EXECUTION: Final = TYPE_CODES[Execution]


class Follower:
    """
    One user.

    Args:
        user: Name, for the final report.
        instruments: Whose books to follow.
        counts: Where to count, shared by the users of a process.
        latency: Where to record the delays of deltas, shared likewise.
        verifies: Keep whole books and check every digest.
        subscriptions: What to ask for on every connection; without any, the books and all tickers.
        depth: Levels a side of the books; 0 is all.
        delays: Where to record all other delays, shared likewise.
        quotes: Where to keep the best prices of tickers, shared likewise.
    """

    __slots__ = (
        "_asking", "_counts", "_delay_sum_us", "_delays", "_delays_counted", "_depth", "_follows_all", "_latency",
        "_quotes", "_request_id", "_requests", "_resuming", "_seen", "_verifies", "books", "desk", "final_books",
        "framed_at_us", "heard_at_us", "last_refusal", "subscriptions", "trades", "user",
    )  # fmt: skip

    def __init__(
        self,
        user: str,
        instruments: Sequence[str],
        counts: LoadCounts,
        latency: LatencyRecorder,
        *,
        verifies: bool = False,
        subscriptions: Sequence[PlannedSubscription] = (),
        depth: int = 0,
        delays: Delays | None = None,
        quotes: dict[str, Quote] | None = None,
    ) -> None:
        self.user = user
        self._counts = counts
        self._verifies = verifies
        self._depth = depth
        self.books = {name: self._new_book(name) for name in instruments}
        self.subscriptions = list(subscriptions) or _books_and_tickers(instruments)
        self.desk: OrderDesk | None = None
        """Of a user who trades."""
        self.final_books: list[FinalBook] = []
        """Answers to `ask_final_books`, one a book as they come."""
        self.heard_at_us = 0
        """When the last heartbeat (or the connection) came, µs."""
        self.framed_at_us = 0
        """When the last frame with messages came, µs."""
        self.last_refusal = ""
        shows_trades = verifies and any(each.channel == "trades" for each in self.subscriptions)
        self.trades: deque[Trade] | None = deque(maxlen=TRADES_SHOWN) if shows_trades else None
        """The last trades, of a user who verifies and follows any."""
        self._latency = latency
        self._delay_sum_us = self._delays_counted = 0
        self._delays = delays or Delays()
        self._quotes = {} if quotes is None else quotes
        self._follows_all = any(
            each.channel == "book" and EVERY_INSTRUMENT in each.instruments for each in self.subscriptions
        )
        self._requests: list[bytes] = []
        self._request_id = 0
        self._asking: set[str] = set()
        self._resuming: set[str] = set()
        """Books of an earlier connection of which this one has got nothing yet."""
        self._seen: set[tuple[int, str]] = set()
        """States of this connection that are not its first: only of these is the age a delay."""

    @property
    def is_whole(self) -> bool:
        """Whether every book may be trusted, and is known to go on where the last connection left it."""
        return not self._resuming and all(book.health is BookHealth.WHOLE for book in self.books.values())

    def connected(self, now_us: int) -> None:
        """Begin a conversation: subscribe, and resume what is held."""
        self.heard_at_us = now_us
        self._requests.clear()
        self._seen.clear()
        self._resuming = {name for name, book in self.books.items() if book.health is BookHealth.WHOLE}
        for subscription in self.subscriptions:
            self._subscribe(subscription)

    def disconnected(self) -> None:
        """End a conversation: what was asked and not answered never will be."""
        self._asking.clear()
        if self.desk is not None:
            self.desk.disconnected()

    def receive(self, messages: Iterable[Sequence[Any]], now_us: int) -> None:
        """
        Take the messages of one frame.

        Args:
            messages: As msgpack gives them: arrays that begin with the type.
            now_us: When the frame came, µs since 1970.
        """
        self._counts.frames += 1
        self.framed_at_us = now_us
        for message in messages:
            kind = message[0]
            if kind == _DELTA:
                book = self.books[message[1]]
                if self._resuming and message[1] in self._resuming:
                    self._resuming.discard(message[1])
                    book.take_resume(message)  # It tells of what was missed: its age is no delay.
                elif book.take_delta(message):
                    delay_us = now_us - message[4]
                    self._latency.record(delay_us)
                    self._delay_sum_us += delay_us
                    self._delays_counted += 1
                if book.health is _STALE:
                    self._resync(book)
            elif kind == _TICKER:
                self._receive_ticker(message, now_us)
            else:
                self._receive_rare(kind, message, now_us)

    def take_mean(self) -> tuple[int, int]:
        """Return the sum of this user's own deliveries since the last time, µs, and how many they were."""
        taken = self._delay_sum_us, self._delays_counted
        self._delay_sum_us = self._delays_counted = 0
        return taken

    def ask_final_books(self, instruments: Iterable[str] | None = None) -> None:
        """Ask for books once more, for all without a choice; `final_books` fills as the snapshots come."""
        self.final_books.clear()
        self._asking = set(self.books if instruments is None else instruments)
        for instrument in self.books:
            if instrument in self._asking:
                self._ask({"op": "resync", "instrument": instrument})

    @property
    def has_answered(self) -> bool:
        """Whether every book that was asked for has come."""
        return not self._asking

    def order(self, intended_us: int, now_us: int) -> bool:
        """Queue the next order or cancel, if a price is known; only of a user who trades."""
        assert self.desk is not None
        request = self.desk.next_request()
        if request is None:
            return False
        self.desk.sent(self._ask(request), request, intended_us, now_us)
        return True

    def cancel_all(self) -> None:
        """Ask to cancel whatever rests."""
        self._ask({"op": "cancel_all"})

    @property
    def has_requests(self) -> bool:
        """Whether `requests_to_send` has any."""
        return bool(self._requests)

    def requests_to_send(self) -> list[bytes]:
        """Hand over the payloads of requests to send, in order."""
        requests, self._requests = self._requests, []
        return requests

    def _subscribe(self, subscription: PlannedSubscription) -> None:
        channel, instruments, depth, interval_ms = subscription
        request: dict[str, Any] = {"op": "subscribe", "channel": channel, "instruments": instruments}
        if depth:
            request["depth"] = depth
        if interval_ms:
            request["interval_ms"] = interval_ms
        if channel == "book" and not depth:
            request["resume"] = self._resume(instruments)
        self._ask(request)

    def _resume(self, instruments: Sequence[str]) -> dict[str, tuple[int, int, int]]:
        """Return the places of the books that are held."""
        held = [self.books[name] for name in instruments if name in self._resuming]
        return {book.instrument: (book.epoch, book.seq, book.digest) for book in held}

    def _receive_ticker(self, message: Sequence[Any], now_us: int) -> None:
        self._counts.tickers += 1
        instrument = message[1]
        self._quotes[instrument] = Quote(message[4], message[6])
        if self._is_known(_TICKER, instrument):
            self._delays.ticker.record(now_us - message[3])

    def _receive_rare(self, kind: int, message: Sequence[Any], now_us: int) -> None:
        if kind == _SNAPSHOT:
            self._receive_snapshot(Snapshot._make(message[1:9]), now_us)
        elif kind == _HEARTBEAT:
            self._counts.heartbeats += 1
            self.heard_at_us = now_us
            self._delays.last_hop.record(now_us - message[1])
            self._receive_heartbeat(message[2])
        elif kind == _TRADE:
            self._counts.trades += 1
            if self.trades is not None:
                self.trades.append(Trade._make(message[1:8]))
        elif kind == _REPLY:
            self._receive_reply(message, now_us)
        elif kind == _EXECUTION and self.desk is not None:
            self.desk.take_execution(message[5], message[2], message[12], now_us)
        elif kind == _ACCOUNT and self.desk is not None:
            self.desk.take_account(message[2])

    def _receive_snapshot(self, snapshot: Snapshot, now_us: int) -> None:
        if snapshot.depth != self._depth or not (snapshot.instrument in self.books or self._follows_all):
            self._receive_top(snapshot, now_us)
            return
        book = self.books.get(snapshot.instrument)
        if book is None:  # It was listed after we had come.
            book = self.books[snapshot.instrument] = self._new_book(snapshot.instrument)
        self._resuming.discard(snapshot.instrument)
        if snapshot.instrument in self._asking:
            self._asking.discard(snapshot.instrument)
            self.final_books.append(book.answer(self.user, snapshot))
        book.take_snapshot(snapshot)
        if book.health is BookHealth.STALE:
            self._resync(book)

    def _receive_top(self, snapshot: Snapshot, now_us: int) -> None:
        self._counts.tops += 1
        if self._is_known(_SNAPSHOT, snapshot.instrument):
            self._delays.top.record(now_us - snapshot.time)

    def _receive_heartbeat(self, sent: Mapping[str, int]) -> None:
        for instrument, seq in sent.items():
            book = self.books[instrument]
            book.take_heartbeat(seq)
            # Also for a book that has been stale since the last one: the request or its answer may be lost.
            if book.health is BookHealth.STALE:
                self._resync(book)

    def _receive_reply(self, message: Sequence[Any], now_us: int) -> None:
        is_ok = message[2]
        is_order = self.desk is not None and self.desk.take_reply(message[1], is_ok=is_ok, now_us=now_us)
        if not is_ok:
            self.last_refusal = f"{message[3]}: {message[4]}"
            if not is_order:
                self._counts.refusals += 1

    def _is_known(self, kind: int, instrument: str) -> bool:
        """Whether this connection has had a state of it before."""
        if (kind, instrument) in self._seen:
            return True
        self._seen.add((kind, instrument))
        return False

    def _new_book(self, instrument: str) -> BookPosition:
        return BookPosition(instrument, self._counts, verifies=self._verifies, depth=self._depth)

    def _resync(self, book: BookPosition) -> None:
        self._counts.resyncs += 1
        self._ask({"op": "resync", "instrument": book.instrument})

    def _ask(self, request: Mapping[str, Any]) -> int:
        self._request_id += 1
        self._requests.append(encode_request({**request, "id": self._request_id}, Encoding.MSGPACK))
        return self._request_id


def _books_and_tickers(instruments: Sequence[str]) -> list[PlannedSubscription]:
    return [
        PlannedSubscription("book", tuple(instruments)),
        PlannedSubscription("ticker", (EVERY_INSTRUMENT,), interval_ms=TICKER_INTERVAL_MS),
    ]
