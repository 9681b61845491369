"""How a flush reaches its listeners: straight to a descriptor only while nothing of theirs is unsent."""

from __future__ import annotations

from collections.abc import Sequence

from openoutcry.wire.codec import Encoding
from services.gateway.broadcast import Part
from services.gateway.channel import ChannelKey
from services.gateway.market_data_service import MarketDataService
from services.gateway.replica import Changes, MarketReplica
from services.gateway.subscriber import NO_DESCRIPTOR, LagLimits, Subscriber
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.listener import Listener

BOOK, TICKER = (ChannelKey(kind, "ACME", 0, 0) for kind in ("book", "ticker"))
LIMITS = LagLimits(soft_bytes=1000, hard_bytes=5000, lag_s=10.0)


class Hall:
    """A service whose flushes are written down."""

    def __init__(self) -> None:
        self.exchange = Exchange("ACME")
        self.spread: list[tuple[bytes, dict[Subscriber, int]]] = []
        self.joined = 0
        self.service = MarketDataService(MarketReplica(), LIMITS, 0.01, self._spread)
        self.service.publish(self.service.market.load(*self.exchange.snapshots()))
        self.now = 0.0

    def _spread(self, parts: Sequence[Part], start: int) -> list[Subscriber]:
        assert 0 <= start < sum(len(listeners) for _, listeners in parts)
        self.spread += [(frame, dict(listeners)) for frame, listeners in parts]
        return []

    def join(self, *keys: ChannelKey, descriptor: int = NO_DESCRIPTOR) -> tuple[Listener, Subscriber]:
        listener = Listener(Encoding.MSGPACK)
        self.joined += 1
        subscriber = Subscriber(f"user-{self.joined}", Encoding.MSGPACK, listener)
        self.service.reach(subscriber, descriptor)
        for key in keys:
            self.service.subscribe(subscriber, key)
        return listener, subscriber

    def flush(self) -> list[dict[Subscriber, int]]:
        """Change the book, and return whom the flush went to, and where."""
        changes = Changes()
        self.service.market.apply(*self.exchange.packet(bids=[(100, int(self.now) + 1)]), changes)
        self.service.publish(changes)
        self.now += 1.0
        self.spread.clear()
        self.service.flush_due(self.now)
        return [listeners for _, listeners in self.spread]


def test_a_descriptor_holds_for_channels_joined_before_and_after() -> None:
    hall = Hall()
    _, subscriber = hall.join(BOOK)
    assert hall.flush() == [{subscriber: NO_DESCRIPTOR}]
    hall.service.reach(subscriber, 7)
    assert hall.flush() == [{subscriber: 7}]
    hall.service.subscribe(subscriber, TICKER)
    assert hall.flush() == [{subscriber: 7}]


def test_a_descriptor_is_taken_away_at_once() -> None:
    """What is unsent in the transport must not be overtaken."""
    hall = Hall()
    _, subscriber = hall.join(BOOK, TICKER, descriptor=7)
    hall.service.reach(subscriber, NO_DESCRIPTOR)
    assert hall.flush() == [{subscriber: NO_DESCRIPTOR}]


def test_who_lags_comes_back_where_it_can_be_reached() -> None:
    hall = Hall()
    listener, subscriber = hall.join(BOOK, descriptor=7)
    hall.service.reach(subscriber, NO_DESCRIPTOR)
    listener.unsent = 2000
    hall.service.review(subscriber, hall.now)
    assert hall.flush() == []
    listener.unsent = 0
    hall.service.reach(subscriber, 7)
    hall.service.review(subscriber, hall.now)
    assert hall.flush() == [{subscriber: 7}]


def test_one_that_is_removed_is_written_to_no_more() -> None:
    """Its descriptor is the next socket's."""
    hall = Hall()
    _, subscriber = hall.join(BOOK, TICKER, descriptor=7)
    hall.service.remove(subscriber)
    assert hall.flush() == []
    assert subscriber.descriptor == NO_DESCRIPTOR


def test_those_who_get_the_same_frames_get_them_joined_once() -> None:
    hall = Hall()
    both = {hall.join(BOOK, TICKER, descriptor=number)[1]: number for number in (3, 4)}
    books = {hall.join(BOOK, descriptor=5)[1]: 5}
    assert hall.flush() == [both, books]
    [(joined, _), (book, _)] = hall.spread
    assert book in joined
    assert len(joined) > len(book)
