"""What a call would come to, on its way to who follows the book: merged as the book's changes are."""

from __future__ import annotations

import pytest

from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Auction, Delta, Snapshot, Ticker
from openoutcry.wire.types import Phase
from services.gateway.catch_up import WHOLE_ROWS_MAX
from services.gateway.channel import ChannelKey
from services.gateway.fan_out import FanOut
from services.gateway.subscriber import Subscriber
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_fan_out import BOOK, Hall

TICKER = ChannelKey("ticker", "ACME", 0, 0)
WINDOW = ChannelKey("book", "ACME", 5, 0)
TOP = ChannelKey("top", "ACME", 1, 0)
EVERYTHING = ChannelKey("book", "*", 0, 0)
STATUS = ChannelKey("status", "ACME", 0, 0)
ENDED = (Phase.NONE, 0, 0, 0, 0)


class CallHall(Hall):
    """A hall whose ACME is in a call with a crossed book."""

    def __init__(self, *symbols: str) -> None:
        super().__init__(*symbols)
        self.tell(100, 5, bids=[(101, 5)], asks=[(99, 5)])

    def tell(self, price: int, volume: int, kind: Phase = Phase.OPENING, **packet: object) -> Auction:
        prev = self.exchange.books["ACME"].seq
        found = (kind, price, volume, 0, 60) if kind else ENDED
        auction = Auction("ACME", prev + bool(packet), self.exchange.position, 1, *found)  # type: ignore[arg-type]
        self.feed(auctions=[auction], **packet)
        return auction


@pytest.mark.parametrize("key", [BOOK, WINDOW, TOP, TICKER, EVERYTHING])
@pytest.mark.parametrize("encoding", Encoding)
def test_who_follows_a_book_gets_its_auction_behind_each_change(key: ChannelKey, encoding: Encoding) -> None:
    """At first with the state, then when it changes, and once more when it has ended."""
    hall = CallHall()
    listener, _ = hall.join(key, encoding=encoding)
    assert [type(message) for message in listener.messages] == [Ticker if key is TICKER else Snapshot, Auction]
    last = hall.tell(101, 7, bids=[(101, 9)])
    hall.flush()
    assert listener.messages[-1] == last
    assert len(listener.heard(Auction)) == 2
    hall.feed(bids=[(50, 1)])
    hall.flush()
    assert len(listener.heard(Auction)) == 2, "the book has changed, and the auction has not"
    ended = hall.tell(0, 0, Phase.NONE)
    hall.flush()
    assert listener.messages[-1] == ended


def test_who_does_not_follow_a_book_gets_none() -> None:
    hall = CallHall()
    listener, _ = hall.join(STATUS)
    hall.tell(101, 7, bids=[(101, 9)])
    hall.flush()
    assert listener.heard(Auction) == []


def test_auctions_are_merged_and_encoded_once() -> None:
    """Any number of changes costs one encode, in the frame of the book's delta."""
    hall = CallHall()
    listener, _ = hall.join(BOOK)
    listener.forget()
    for quantity in range(1, 50):
        last = hall.tell(100, quantity, bids=[(101, quantity)])
    encoded = hall.service.statistics.encoded
    hall.flush()
    assert [type(message) for message in listener.messages] == [Delta, Auction]
    assert listener.messages[-1] == last
    assert (listener.frames, hall.service.statistics.encoded) == (1, encoded + 1)


def test_a_resumed_book_comes_with_its_auction() -> None:
    hall = CallHall()
    listener, _ = hall.join(BOOK)
    last = hall.tell(101, 7, bids=[(101, 9)])
    again, held = Listener(), listener.book()
    again.books["ACME", 0] = held
    assert hall.service.resume(Subscriber("ann", Encoding.MSGPACK, again), BOOK, held.epoch, held.seq, held.digest)
    assert [type(message) for message in again.messages] == [Delta, Auction]
    assert again.messages[-1] == last


@pytest.mark.parametrize("key", [BOOK, WINDOW, TICKER, EVERYTHING])
def test_who_has_lagged_gets_the_auction_as_it_is(key: ChannelKey) -> None:
    """Also if it has ended meanwhile, or if nothing but the auction has changed."""
    hall = CallHall("ACME", "BOLT")
    listener, subscriber = hall.join(key)
    listener.unsent = 2_000
    hall.service.review(subscriber, hall.now)
    assert subscriber.is_lagging
    ended = hall.tell(0, 0, Phase.NONE)
    hall.flush()
    listener.forget()
    listener.unsent = 0
    hall.service.review(subscriber, hall.now)
    while hall.service.has_more:
        hall.service.go_on(hall.now)
    assert listener.heard(Auction) == [ended]


@pytest.mark.parametrize("key", [BOOK, EVERYTHING])
def test_who_has_lagged_behind_a_large_book_gets_a_delta_and_the_auction(key: ChannelKey) -> None:
    """Large books are caught up by merged deltas; also where nothing but the auction has changed."""
    hall = CallHall("ACME", "BOLT")
    hall.feed(bids=[(1_000 + n, 1) for n in range(WHOLE_ROWS_MAX + 1)], commands=1)
    listener, subscriber = hall.join(key)
    for packet in ({"bids": [(101, 7)]}, {}):
        listener.unsent = 2_000
        hall.service.review(subscriber, hall.now)
        last = hall.tell(100 + len(packet), 5, **packet)
        hall.flush()
        listener.forget()
        listener.unsent = 0
        hall.service.review(subscriber, hall.now)
        while hall.service.has_more:
            hall.service.go_on(hall.now)
        assert [type(message) for message in listener.messages if getattr(message, "instrument", "") == "ACME"] in (
            [Delta, Auction],
            [Auction],
        )
        assert listener.heard(Auction)[-1] == last
        hall.tell(99, 3, bids=[(101, 3)])
        hall.flush()
        assert listener.heard(Auction)[-1].price == 99
        assert listener.book().digest == hall.exchange.books["ACME"].digest


def test_a_call_that_ended_while_the_gateway_was_away_is_told() -> None:
    """It loads the snapshots again, and these are of no call."""
    hall = CallHall()
    listener, _ = hall.join(BOOK)
    hall.service.publish(hall.service.market.load(*hall.exchange.snapshots()))
    hall.flush()
    assert listener.heard(Auction)[-1][4:] == ENDED


def test_a_gateway_that_joins_late_knows_the_auction_from_the_snapshot() -> None:
    hall = CallHall()
    cover, listing, [state], accounts, time = hall.exchange.snapshots()
    state = state._replace(phase="opening", until=60, auction=(1, 100, 5, 0))
    late = FanOut()
    late.publish(late.market.load(cover, listing, [state], accounts, time))
    assert late.market.instruments["ACME"].auction == Auction("ACME", 1, 0, 1, Phase.OPENING, 100, 5, 0, 60)


def test_an_auction_of_before_the_snapshot_changes_nothing() -> None:
    """Packets behind `cover` may be older than a snapshot."""
    hall = CallHall()
    hall.feed(auctions=[Auction("ACME", 0, 0, 1, Phase.OPENING, 7, 7, 7, 60)])
    auction = hall.service.market.instruments["ACME"].auction
    assert auction is not None
    assert auction.price == 100


def test_a_new_epoch_counts_from_the_beginning() -> None:
    """Its auctions are of a lower seq than those of the history that was lost."""
    hall = CallHall()
    for n in range(5):
        hall.tell(100, 5 + n, bids=[(101, 9 + n)])
    again = CallHall()
    again.exchange.epoch = 8
    hall.service.publish(hall.service.market.load(*again.exchange.snapshots()))
    hall.exchange = again.exchange
    last = hall.tell(77, 3, bids=[(101, 3)])
    assert hall.service.market.instruments["ACME"].auction == last
