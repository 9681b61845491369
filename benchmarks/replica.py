"""`python -m benchmarks.replica`: what keeping a book costs, at the gateway by level, at a Python client by frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeAlias

from benchmarks.books import EPOCH, INSTRUMENT, TIME, book, delta, snapshot
from benchmarks.command import run
from benchmarks.measure import Effort, time_call
from benchmarks.table import Cell, Table
from openoutcry.book_view import BookView, Finding
from openoutcry.events import BookChanged
from openoutcry.feed_session import FeedSession
from openoutcry.wire.codec import Encoding, decode_messages, encode_messages
from openoutcry.wire.depth_book import DepthBook, DepthSide
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import TYPE_CODES, Delta, Level, Message, Welcome
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import MarketState
from outcry.load.counts import LoadCounts
from outcry.load.decoded_chunks import decode_frame
from outcry.load.follower import Follower
from outcry.load.latency import LatencyRecorder
from services.gateway.replica import InstrumentReplica
from shared.logs.events import BookChange
from shared.logs.snapshots import BookState

SEED: Final = 1
LEVELS: Final = (1, 2, 10, 40)
"""Levels that a change names."""
DEPTH: Final = 1_000
"""Levels a side of the book; what a change costs does not depend on it but by caches."""
Action: TypeAlias = tuple[Callable[[], None], int]
"""What to time, and how many frames or changes one call takes."""
_WELCOME: Final = Welcome(1, "benchmark", "ada", 0, 60_000, {})


def measure(effort: Effort) -> list[Table]:
    """Return the tables of the gateway's replica and of the clients."""
    return [
        Table(
            "replica-per-level",
            f"CPU µs to apply one change to a book of {DEPTH:,} levels a side, and a level's part of that. Measured "
            "are a client's book (levels and digest), the gateway's replica (order counts and history besides), and "
            "the delta that the gateway reads off its history. The levels are met again and again, so their hashes "
            "are remembered (table `digest-per-level`).",
            [
                "levels in the change",
                "client's book",
                "… a level",
                "gateway's replica",
                "… a level",
                "merged delta",
                "… a level",
            ],
            [_replica_row(levels, effort) for levels in LEVELS],
        ),
        Table(
            "client-per-frame",
            "CPU µs of a Python client for one frame that holds one delta, from the payload to the book whose digest "
            "is right. Measured are decoding alone, the book's rule alone, and the load harness's user (place in the "
            "chain only, and with a complete book). The last is the client library's session, checks of every field "
            "and events included.",
            [
                "levels in the delta",
                "decode",
                "BookView",
                "load user",
                "load user, verifying",
                "FeedSession",
                "FeedSession, JSON",
            ],
            [_client_row(levels, effort) for levels in LEVELS],
        ),
    ]


def _random() -> Random:
    return Random(SEED)  # noqa: S311 - examples, no secrets


def _there_and_back(levels: int) -> tuple[Delta, Delta]:
    """Return a delta of this many levels and the one that undoes it, both from the same seq, to be told in turn."""
    replica, before = _book(), _book()
    there = delta(replica, levels, _random())
    bids, asks = ([(price, side.quantities[price]) for price, _ in named] for side, named in _sides(before, there))
    return there, there._replace(bids=bids, asks=asks, digest=before.digest)


def _sides(replica: DepthBook, named: Delta) -> Sequence[tuple[DepthSide, Sequence[Level]]]:
    return (replica.bids, named.bids), (replica.asks, named.asks)


def _book() -> DepthBook:
    return book(DEPTH, _random())


def _replica_row(levels: int, effort: Effort) -> list[Cell]:
    times = [
        time_call(action, effort).per(calls)
        for action, calls in (_client_book(levels), _gateway_replica(levels), _merged_delta(levels))
    ]
    row: list[Cell] = [levels]
    for time in times:
        row += [time, time.per(levels)]
    return row


def _client_book(levels: int) -> Action:
    replica, deltas = _book(), _there_and_back(levels)

    def apply() -> None:
        for one in deltas:
            replica.seq = one.prev_seq
            assert replica.apply(one) is Verdict.APPLY

    return apply, len(deltas)


def _gateway_replica(levels: int) -> Action:
    replica = _instrument_replica()
    changes = [_change(one) for one in _there_and_back(levels)]

    def apply() -> None:
        for one in changes:
            replica.book.seq = one.prev_seq
            assert replica.apply(one, TIME)

    return apply, len(changes)


def _merged_delta(levels: int) -> Action:
    replica = _instrument_replica()
    there, _ = _there_and_back(levels)
    replica.apply(_change(there), TIME)

    def merge() -> None:
        assert replica.delta_since(there.prev_seq) is not None

    return merge, 1


def _instrument_replica() -> InstrumentReplica:
    held = snapshot(DEPTH, _random())
    replica = InstrumentReplica(Instrument(INSTRUMENT), EPOCH)
    replica.load(
        BookState(
            INSTRUMENT, EPOCH, "", held.seq, TIME, held.bids, held.asks, held.digest, 0, 0, 0, 0, 0, 0,
            MarketState.OPEN, "", 0, 0,
        ),
        TIME,
    )  # fmt: skip
    return replica


def _change(one: Delta) -> BookChange:
    """Return a delta as the feed tells it: with the number of orders at each level."""
    bids, asks = ([(price, quantity, 1) for price, quantity in side] for side in (one.bids, one.asks))
    return BookChange(one.instrument, one.prev_seq, one.seq, bids, asks, one.digest)


def _client_row(levels: int, effort: Effort) -> list[Cell]:
    ways = (
        _decoding(levels),
        _book_view(levels),
        _load_user(levels, verifies=False),
        _load_user(levels, verifies=True),
        _feed_session(levels, Encoding.MSGPACK),
        _feed_session(levels, Encoding.JSON),
    )
    return [levels, *(time_call(action, effort).per(calls) for action, calls in ways)]


def _decoding(levels: int) -> Action:
    payloads = _payloads(levels, Encoding.MSGPACK)

    def decode() -> None:
        for payload in payloads:
            decode_messages(payload, Encoding.MSGPACK)

    return decode, len(payloads)


def _book_view(levels: int) -> Action:
    view, deltas = BookView(INSTRUMENT), _there_and_back(levels)
    view.on_snapshot(snapshot(DEPTH, _random()))

    def follow() -> None:
        for one in deltas:
            view.book.seq = one.prev_seq
            assert view.on_delta(one) is Finding.VERIFIED

    return follow, len(deltas)


def _load_user(levels: int, *, verifies: bool) -> Action:
    user = Follower("ada", [INSTRUMENT], LoadCounts(), LatencyRecorder(), verifies=verifies)
    user.receive([_row(snapshot(DEPTH, _random()))], TIME)
    book_position, payloads = user.books[INSTRUMENT], _payloads(levels, Encoding.MSGPACK)
    seq = book_position.seq

    def follow() -> None:
        for payload in payloads:
            book_position.seq = seq
            user.receive(decode_frame(payload), TIME)
        assert user.is_whole

    return follow, len(payloads)


def _feed_session(levels: int, encoding: Encoding) -> Action:
    session = FeedSession(encoding)
    session.connected(0.0)
    session.receive(encode_messages((_WELCOME,), encoding), 0.0)
    view = session.follow_book(INSTRUMENT, 0, 0, 0.0)
    session.receive(encode_messages((snapshot(DEPTH, _random()),), encoding), 0.0)
    session.events()
    payloads, seq = _payloads(levels, encoding), view.book.seq

    def follow() -> None:
        for payload in payloads:
            view.book.seq = seq
            session.receive(payload, 0.0)
            [event] = session.events()
            assert isinstance(event, BookChanged)

    return follow, len(payloads)


def _payloads(levels: int, encoding: Encoding) -> list[bytes]:
    return [encode_messages((one,), encoding) for one in _there_and_back(levels)]


def _row(message: Message) -> Sequence[object]:
    return (TYPE_CODES[type(message)], *message)


if __name__ == "__main__":
    run({"benchmarks.replica": measure})
