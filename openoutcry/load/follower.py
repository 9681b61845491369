"""One user's whole conversation, without its socket.

`connected` queues the subscriptions, `receive` takes decoded frames, `requests_to_send` hands over what must be sent.
Every delta's place in its chain is checked for every user; whoever verifies also keeps whole books and digests. Books
outlive connections: a reconnecting user resumes from (epoch, seq, digest), at any gateway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from openoutcry.load.book_position import BookHealth, BookPosition, FinalBook
from openoutcry.load.counts import LoadCounts
from openoutcry.load.latency import LatencyRecorder
from shared.codec import Encoding, encode_request
from shared.messages import TYPE_CODES, Delta, Heartbeat, Reply, Snapshot, Ticker, Trade
from shared.requests import EVERY_INSTRUMENT

TICKER_INTERVAL_MS: Final = 250
"""Prices of the whole market, as often as a person can read them."""
TRADES_SHOWN: Final = 8

_STALE: Final = BookHealth.STALE
_DELTA: Final = TYPE_CODES[Delta]
_SNAPSHOT: Final = TYPE_CODES[Snapshot]
_HEARTBEAT: Final = TYPE_CODES[Heartbeat]
_TICKER: Final = TYPE_CODES[Ticker]
_TRADE: Final = TYPE_CODES[Trade]
_REPLY: Final = TYPE_CODES[Reply]


class Follower:
    """
    One user.

    Args:
        user: Name, for the final report.
        instruments: Whose books to follow.
        counts: Where to count, shared by the users of a process.
        latency: Where to record delays, shared likewise.
        verifies: Keep whole books and check every digest.
        shows_trades: Follow trades too, for a view of the market.
    """

    __slots__ = (
        "_asking", "_counts", "_latency", "_request_id", "_requests", "books", "final_books",
        "heard_at_us", "last_refusal", "shows_trades", "trades", "user",
    )  # fmt: skip

    def __init__(
        self,
        user: str,
        instruments: Sequence[str],
        counts: LoadCounts,
        latency: LatencyRecorder,
        *,
        verifies: bool = False,
        shows_trades: bool = False,
    ) -> None:
        self.user = user
        self.books = {name: BookPosition(name, counts, verifies=verifies) for name in instruments}
        self.final_books: list[FinalBook] = []
        """Answers to `ask_final_books`, one a book as they come."""
        self.heard_at_us = 0
        """When the last heartbeat (or the connection) came, µs."""
        self.last_refusal = ""
        self.shows_trades = shows_trades
        self.trades: deque[Trade] = deque(maxlen=TRADES_SHOWN)
        self._counts = counts
        self._latency = latency
        self._requests: list[bytes] = []
        self._request_id = 0
        self._asking: set[str] = set()

    @property
    def is_whole(self) -> bool:
        """Whether every book may be trusted."""
        return all(book.health is BookHealth.WHOLE for book in self.books.values())

    def connected(self, now_us: int) -> None:
        """Begin a conversation: subscribe, and resume what is held."""
        self.heard_at_us = now_us
        self._requests.clear()
        resume = {
            book.instrument: (book.epoch, book.seq, book.digest)
            for book in self.books.values()
            if book.health is BookHealth.WHOLE
        }
        self._ask("subscribe", channel="book", instruments=list(self.books), resume=resume)
        self._ask("subscribe", channel="ticker", instruments=[EVERY_INSTRUMENT], interval_ms=TICKER_INTERVAL_MS)
        if self.shows_trades:
            self._ask("subscribe", channel="trades", instruments=list(self.books))

    def receive(self, messages: Iterable[Sequence[Any]], now_us: int) -> None:
        """
        Take the messages of one frame.

        Args:
            messages: As msgpack gives them: arrays that begin with the type.
            now_us: When the frame came, µs since 1970.
        """
        self._counts.frames += 1
        for message in messages:
            kind = message[0]
            if kind == _DELTA:
                book = self.books[message[1]]
                if book.take_delta(message):
                    self._latency.record(now_us - message[4])
                if book.health is _STALE:
                    self._resync(book)
            elif kind == _TICKER:
                self._counts.tickers += 1
            else:
                self._receive_rare(kind, message, now_us)

    def ask_final_books(self) -> None:
        """Ask for every book once more; `final_books` fills as the snapshots come."""
        self.final_books.clear()
        self._asking = set(self.books)
        for book in self.books.values():
            self._ask("resync", instrument=book.instrument)

    @property
    def has_requests(self) -> bool:
        """Whether `requests_to_send` has any."""
        return bool(self._requests)

    def requests_to_send(self) -> list[bytes]:
        """Hand over the payloads of requests to send, in order."""
        requests, self._requests = self._requests, []
        return requests

    def _receive_rare(self, kind: int, message: Sequence[Any], now_us: int) -> None:
        if kind == _SNAPSHOT:
            self._receive_snapshot(Snapshot._make(message[1:9]))
        elif kind == _HEARTBEAT:
            self._counts.heartbeats += 1
            self.heard_at_us = now_us
            self._receive_heartbeat(message[2])
        elif kind == _TRADE:
            self._counts.trades += 1
            self.trades.append(Trade._make(message[1:8]))
        elif kind == _REPLY and not message[2]:
            self._counts.refusals += 1
            self.last_refusal = f"{message[3]}: {message[4]}"

    def _receive_snapshot(self, snapshot: Snapshot) -> None:
        book = self.books[snapshot.instrument]
        if snapshot.instrument in self._asking:
            self._asking.discard(snapshot.instrument)
            self.final_books.append(book.answer(self.user, snapshot))
        book.take_snapshot(snapshot)
        if book.health is BookHealth.STALE:
            self._resync(book)

    def _receive_heartbeat(self, sent: dict[str, int]) -> None:
        for instrument, seq in sent.items():
            book = self.books[instrument]
            book.take_heartbeat(seq)
            # Also for a book that has been stale since the last one: the request or its answer may be lost.
            if book.health is BookHealth.STALE:
                self._resync(book)

    def _resync(self, book: BookPosition) -> None:
        self._ask("resync", instrument=book.instrument)

    def _ask(self, op: str, **fields: object) -> None:
        self._request_id += 1
        self._requests.append(encode_request({"op": op, "id": self._request_id, **fields}, Encoding.MSGPACK))
