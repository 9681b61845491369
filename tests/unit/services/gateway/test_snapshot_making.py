"""Deep books' snapshots: byte for byte what the whole message would be, whatever changes while they are made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Delta, Snapshot
from services.gateway import deep_snapshots, snapshot_making
from services.gateway.deep_snapshots import DeepSnapshots
from services.gateway.replica import InstrumentReplica
from services.gateway.snapshot_making import MadeSnapshot, SnapshotMaking
from shared.logs.events import BookChange
from shared.websocket_frame import FrameReader
from tests.unit.services.gateway.exchange import Exchange

LEVELS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 300), st.integers(1, 3)), max_size=8)
SIDES = st.tuples(LEVELS, LEVELS)


class Book:
    """An instrument's replica, changed by packets."""

    def __init__(self) -> None:
        self.replica = InstrumentReplica(Instrument("ACME"), epoch=7)

    def change(self, bids: list[tuple[int, int, int]], asks: list[tuple[int, int, int]]) -> None:
        found, seq = self.replica, self.replica.book.seq
        after = InstrumentReplica(Instrument("ACME"), epoch=7).book
        after.bids.replace(found.book.bids.levels())
        after.asks.replace(found.book.asks.levels())
        after.advance(seq + 1, seq + 5, bids, asks, 0)
        found.apply(BookChange("ACME", seq, seq + 1, bids, asks, after.digest), seq + 5)

    def grow(self, levels: int) -> None:
        self.change([(1_000_000 - n, 1, 1) for n in range(levels)], [])


def making_of(replica: InstrumentReplica) -> SnapshotMaking:
    return SnapshotMaking(replica.book, replica.bid_orders, replica.ask_orders)


def payload(made: MadeSnapshot, encoding: Encoding) -> bytes:
    [frame] = FrameReader().receive(made.frames[encoding])
    return frame.payload


@given(st.integers(1, 5), SIDES, st.lists(SIDES, max_size=12))
def test_it_is_the_book_as_it_stood_at_the_beginning(part: int, first: tuple, changes: list[tuple]) -> None:
    """Levels come, go and change on both sides of what has been read, and more than once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(snapshot_making, "LEVELS_A_PART", part)
        book = Book()
        book.change(*first)
        whole = {encoding: encode_messages([book.replica.snapshot()], encoding) for encoding in Encoding}
        making = book.replica.making = making_of(book.replica)
        for change in changes:
            if not making.do_part():
                break
            book.change(*change)
        while making.do_part():
            pass
        for encoding in Encoding:
            assert payload(making.made(), encoding) == whole[encoding]


@pytest.mark.parametrize("levels", [0, 1, 15, 16, 3_999, 4_000, 8_001, 70_000])
def test_every_length_of_an_array_is_encoded(levels: int) -> None:
    """Msgpack counts in 4, 16 and 32 bits, and a part ends where the book does."""
    book = Book()
    book.grow(levels)
    making = making_of(book.replica)
    parts = 1
    while making.do_part():
        parts += 1
    for encoding in Encoding:
        assert payload(making.made(), encoding) == encode_messages([book.replica.snapshot()], encoding)
    assert parts >= levels / snapshot_making.LEVELS_A_PART


def test_a_book_that_is_loaded_meanwhile_changes_nothing() -> None:
    """Snapshots replace it, whose changes are not told one by one."""
    exchange = Exchange("ACME")
    replica = InstrumentReplica(Instrument("ACME"), epoch=7)
    exchange.packet(bids=[(price, 5) for price in range(1, 9)])
    replica.load(exchange.states()[0], 1)
    whole = encode_messages([replica.snapshot()], Encoding.MSGPACK)
    making = replica.making = making_of(replica)
    exchange.packet(bids=[(1, 0), (2, 7), (100, 1)])
    replica.load(exchange.states()[0], 1)
    exchange.packet(bids=[(3, 9)])
    replica.load(exchange.states()[0], 1)
    while making.do_part():
        pass
    assert payload(making.made(), Encoding.MSGPACK) == whole


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep_snapshots, "DEEP_LEVELS", 3)
    monkeypatch.setattr(snapshot_making, "LEVELS_A_PART", 1)


def parts(deep: DeepSnapshots) -> int:
    count = 0
    while deep.has_more:
        deep.do_part()
        count += 1
    return count


@pytest.mark.usefixtures("small")
def test_one_snapshot_serves_all_who_ask_while_a_delta_leads_on() -> None:
    """Whoever joins later gets the same bytes, and what has changed since."""
    deep, book = DeepSnapshots(), Book()
    book.grow(5)
    assert deep.state(book.replica) == ()
    assert deep.state(book.replica) == ()
    assert parts(deep) > 5
    (made,) = deep.state(book.replica)
    book.change([(999_998, 7, 2), (5, 1, 1)], [])
    again, delta = deep.state(book.replica)
    assert again is made
    assert isinstance(delta, Delta)
    assert (delta.prev_seq, delta.seq, sorted(delta.bids)) == (1, 2, [(5, 1), (999_998, 7)])
    assert not deep.has_more


@pytest.mark.usefixtures("small")
def test_another_is_made_when_no_delta_leads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.history.DELTA_PRICES_MAX", 2)
    deep, book = DeepSnapshots(), Book()
    book.grow(5)
    deep.state(book.replica)
    parts(deep)
    book.change([(1, 1, 1), (2, 1, 1), (3, 1, 1)], [])
    assert deep.state(book.replica) == ()
    parts(deep)
    (made,) = deep.state(book.replica)
    assert isinstance(made, Snapshot)
    assert made.seq == 2


@pytest.mark.usefixtures("small")
def test_another_history_is_another_snapshot() -> None:
    """A new epoch counts anew: the same seq is another book."""
    deep, exchange = DeepSnapshots(), Exchange("ACME")
    exchange.packet(bids=[(price, 5) for price in range(1, 9)])
    replica = InstrumentReplica(Instrument("ACME"), epoch=0)
    replica.load(exchange.states()[0], 1)
    deep.state(replica)
    parts(deep)
    assert deep.state(replica)
    exchange.epoch += 1
    replica.load(exchange.states()[0], 1)
    assert deep.state(replica) == ()
    parts(deep)
    (made,) = deep.state(replica)
    assert isinstance(made, Snapshot)
    assert made.epoch == exchange.epoch


@pytest.mark.usefixtures("small")
def test_nothing_is_made_of_a_broken_book() -> None:
    """Its levels are wrong; it is ready, since it has no state to send."""
    deep, book = DeepSnapshots(), Book()
    book.grow(5)
    deep.state(book.replica)
    book.replica.is_broken = True
    assert parts(deep) == 1
    assert deep.is_ready(book.replica)
    assert not deep.has_more


@pytest.mark.usefixtures("small")
def test_what_is_kept_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes first, and the newest stays, since somebody waits for it."""
    deep, books = DeepSnapshots(), [Book() for _ in range(3)]
    monkeypatch.setattr(deep_snapshots, "KEPT_BYTES_MAX", 1)
    for book in books:
        book.grow(5)
        deep.state(book.replica)
        parts(deep)
        assert deep.state(book.replica)
    assert len(deep._made) == 1
