"""Who hears first: over many flushes everybody as early as everybody else, however and how often one has joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from statistics import mean

import pytest

from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Delta
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import MarketState
from services.gateway.broadcast import Part, around, joined, write_by_transports
from services.gateway.channel import ChannelKey
from services.gateway.gateway import TURNS, Gateway
from services.gateway.limits import GatewayLimits
from services.gateway.market_data_service import MarketDataService
from services.gateway.replica import Changes, MarketReplica
from services.gateway.subscriber import DEFAULT_LAG_LIMITS, Subscriber
from services.matching import OrderBook
from shared.identity import Identity
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_leaving_listeners import Ending

BOOK, EVERY_BOOK, WINDOW, TICKER, TRADES = (
    ChannelKey(*key, 0)
    for key in (("book", "ACME", 0), ("book", "*", 0), ("book", "ACME", 5), ("ticker", "*", 0), ("trades", "ACME", 0))
)
FLUSHES = 300


class Noting(Listener):
    """Writes down its name whenever it is written to."""

    def __init__(self, name: str, written: list[str]) -> None:
        super().__init__()
        self.name = name
        self.written = written

    def write(self, data: bytes) -> None:
        self.written.append(self.name)


class Hall:
    """A service, and in which order it writes to its users."""

    def __init__(self) -> None:
        self.exchange = Exchange("ACME")
        self.written: list[str] = []
        self.service = MarketDataService(MarketReplica(), DEFAULT_LAG_LIMITS, 0.0)
        self.service.publish(self.service.market.load(*self.exchange.snapshots()))
        self.now = 0.0
        self.subscribers: list[Subscriber] = []

    def join(self, name: str, *keys: ChannelKey, user: str = "", encoding: Encoding = Encoding.MSGPACK) -> Subscriber:
        subscriber = Subscriber(user or name, encoding, Noting(name, self.written))
        self.subscribers.append(subscriber)
        for key in keys or (BOOK,):
            self.service.subscribe(subscriber, key)
        return subscriber

    def change(self) -> None:
        self.now += 1.0
        changes = Changes()
        executions = [self.exchange.accepted(name, int(self.now)) for name in ("ann", "bob", "cid")]
        packet = self.exchange.packet(
            bids=[(100, int(self.now))], trades=[self.exchange.trade(100, 1)], executions=executions
        )
        self.service.market.apply(*packet, changes)
        self.service.publish(changes)
        self.service.flush_due(self.now)

    def places(self, deed: Callable[[Hall], None], times: int = FLUSHES) -> dict[str, float]:
        """Do something many times; returns each name's mean place, 0 for always first and 1 for always last."""
        sums: dict[str, list[float]] = {}
        for _ in range(times):
            self.written.clear()
            deed(self)
            last = len(self.written) - 1
            for place, name in enumerate(self.written):
                sums.setdefault(name, []).append(place / last)
        assert all(len(each) == times for each in sums.values())
        return {name: mean(each) for name, each in sums.items()}


def spread_of(places: Sequence[float]) -> float:
    return max(places) - min(places)


def test_a_flush_favours_nobody() -> None:
    """At first it wrote in the order of joining: mean places from 0 to 1."""
    hall = Hall()
    for number in range(40):
        hall.join(f"user-{number}")
    places = hall.places(Hall.change)
    assert len(places) == 40
    assert spread_of([*places.values()]) < 0.03


def test_neither_encoding_nor_channel_is_favoured() -> None:
    """Their frames are different, and parts of one ring."""
    hall = Hall()
    keys = [(BOOK,), (EVERY_BOOK,), (WINDOW,), (TICKER,), (BOOK, TICKER), (TRADES,)]
    for number in range(48):
        hall.join(f"user-{number}", *keys[number % 6], encoding=list(Encoding)[number % 2])
    places = hall.places(Hall.change)
    assert len(places) == 48
    assert spread_of([*places.values()]) < 0.06


def _load(hall: Hall) -> None:
    hall.service.publish(hall.service.market.load(*hall.exchange.snapshots()))


def _execute(hall: Hall) -> None:
    changes = Changes()
    executions = [hall.exchange.accepted(name, 1) for name in ("ann", "bob", "cid")]
    hall.service.market.apply(*hall.exchange.packet(executions=executions), changes)
    hall.service.publish(changes)


@pytest.mark.parametrize("deed", [_load, _execute])
def test_accounts_and_executions_favour_nobody(deed: Callable[[Hall], None]) -> None:
    hall = Hall()
    for name in ("ann", "bob", "cid"):
        hall.service.hear_account(hall.join(name))
    assert spread_of([*hall.places(deed).values()]) < 0.03


async def test_users_who_are_made_whole_take_turns() -> None:
    """The original interface looks at its users before each broadcast, and gives those who have drained the book."""
    service = MarketDataService(pace_s=0)
    written: list[str] = []
    users = [Noting(str(number), written) for number in range(3)]
    await service.broadcast_order_book_update(OrderBook("ACME").snapshot(epoch=1, time=0))
    for user in users:
        await service.subscribe_user(user.name, user)
    orders: dict[str, int] = {}
    for _ in range(30):
        for unsent in (100_000, 0):
            written.clear()
            for user in users:
                user.unsent = unsent
            await service.broadcast_order_book_update(OrderBook("ACME").snapshot(epoch=1, time=0))
        orders["".join(written)] = orders.get("".join(written), 0) + 1
    assert sorted(orders) == ["012", "120", "201"]
    assert min(orders.values()) >= 9


class House:
    """A gateway full of users."""

    def __init__(self) -> None:
        self.exchange = Exchange("ACME")
        self.gateway = Gateway("gateway-1", b"s" * 32, GatewayLimits(), 0.0, Random(1))
        self.gateway.heard(self.gateway.market.load(*self.exchange.snapshots()), 0.0, 0)
        self.written: list[str] = []
        for number in range(TURNS * 3):
            self.gateway.open(
                "s", Encoding.MSGPACK, Noting(str(number), self.written), Identity(f"user-{number}"), 0.0, 0
            )

    def orders(self, deed: Callable[[int], None], times: int = 30) -> set[str]:
        """Return who was written to first."""
        firsts = set()
        for time in range(times):
            self.written.clear()
            deed(time)
            firsts.add(self.written[0])
        return firsts


def test_heartbeats_and_statuses_take_turns() -> None:
    house = House()
    assert house.orders(lambda _: house.gateway.sweep(0, 0.0, 0)) == {"0", "20", "40"}

    def lose(_: int) -> None:
        house.gateway.lost_feed("gone", 0)
        house.gateway.feed_state = MarketState.OPEN

    assert len(house.orders(lose)) == 30


def test_goodbyes_begin_anywhere() -> None:
    """Who joined first is not the first to be sent away."""
    house = House()
    house.written.clear()
    house.gateway.drain(0.0, 0)
    assert house.written[0] != "0"
    assert {*house.written} == {str(number) for number in range(TURNS * 3)}


def test_who_joined_several_times_gains_nothing_by_it() -> None:
    """One place a user: the first to hear of eight connections would be in the first ninth on average."""
    hall = Hall()
    keys = [(BOOK,), (EVERY_BOOK,), (WINDOW,), (TICKER,)]
    for number in range(32):
        hall.join(f"user-{number}", *keys[number % 4], encoding=list(Encoding)[number % 2])
    for number in range(8):
        hall.join("many", *keys[number % 4], user="many", encoding=list(Encoding)[number % 2])
    firsts: dict[str, list[int]] = {}
    for _ in range(FLUSHES):
        hall.written.clear()
        hall.change()
        assert hall.written[33:] == ["many"] * 7
        for name in set(hall.written):
            firsts.setdefault(name, []).append(hall.written.index(name))
    means = [mean(each) for each in firsts.values()]
    assert spread_of(means) / 32 < 0.06


def test_a_users_place_goes_to_the_connection_that_has_waited_longest() -> None:
    hall = Hall()
    hall.join("bob")
    first, second, third = (hall.join(f"ann-{number}", BOOK, TICKER, user="ann") for number in range(3))
    assert [each.is_further for each in (first, second, third)] == [False, True, True]
    hall.service.unsubscribe(first, "book", "ACME")
    assert not first.is_further
    hall.service.unsubscribe(first, "ticker", "*")
    assert [each.is_further for each in (second, third)] == [False, True]
    hall.service.subscribe(first, BOOK)
    assert first.is_further
    hall.service.remove(second)
    assert [each.is_further for each in (first, third)] == [True, False]
    hall.service.remove(first)
    hall.service.remove(third)
    hall.written.clear()
    hall.change()
    assert hall.written == ["bob"]
    assert not hall.join("ann-4", user="ann").is_further


@pytest.mark.parametrize("channels", [(BOOK,), (BOOK, TICKER)])
def test_an_heir_within_a_flush_gets_that_flush(channels: tuple[ChannelKey, ...]) -> None:
    """The first connection was found closing, the second took its place between the rounds: no round had anybody."""
    hall = Hall()
    first, second = Ending(), Listener()
    for listener in (first, second):
        subscriber = Subscriber("ann", Encoding.MSGPACK, listener)
        for channel in channels:
            hall.service.subscribe(subscriber, channel)
    first.raises["write"] = OSError("gone")
    for _ in range(3):
        hall.change()
    assert len(second.heard(Delta)) == 3
    assert set(second.verdicts) == {Verdict.APPLY}


def test_a_subscription_that_is_replaced_keeps_the_place() -> None:
    hall = Hall()
    first, second = hall.join("ann-1", user="ann"), hall.join("ann-2", user="ann")
    hall.service.subscribe(first, BOOK)
    assert (first.is_further, second.is_further) == (False, True)


def test_who_lags_takes_the_place_over_in_silence_and_is_made_whole() -> None:
    """It is in no channel while it lags; then it comes back among the first."""
    hall = Hall()
    bob = Listener()
    first = hall.join("ann", user="ann")
    lagging = Subscriber("ann", Encoding.MSGPACK, bob)
    hall.service.subscribe(lagging, BOOK)
    bob.unsent = 100_000
    hall.service.review(lagging, hall.now)
    hall.service.remove(first)
    hall.change()
    assert not bob.heard(Delta)
    bob.unsent = 0
    hall.service.review(lagging, hall.now)
    hall.change()
    assert len(bob.heard(Delta)) == 1
    assert bob.book().digest == hall.exchange.books["ACME"].digest


def test_a_channel_that_ends_ends_for_further_connections_too() -> None:
    hall = Hall()
    for number in range(3):
        hall.join(f"ann-{number}", user="ann")
    hall.exchange = Exchange("BETA", epoch=8)
    _load(hall)
    assert not hall.service.subscriptions()["book"]
    assert not any(subscriber.channels for subscriber in hall.subscribers)


def test_a_place_and_its_descriptor_go_together() -> None:
    """What `reach` says holds in whichever round the connection is."""
    hall = Hall()
    seen: list[tuple[Sequence[Part], int]] = []

    def spread(parts: Sequence[Part], start: int) -> list[Subscriber]:
        seen.append((parts, start))
        return []

    hall.service = MarketDataService(hall.service.market, DEFAULT_LAG_LIMITS, 0.0, spread)
    first, second = hall.join("ann-1", user="ann"), hall.join("ann-2", user="ann")
    hall.service.reach(second, 7)
    hall.change()
    assert [dict(part[1]) for parts, _ in seen for part in parts] == [{first: -1}, {second: 7}]
    hall.service.remove(first)
    seen.clear()
    hall.change()
    assert [dict(part[1]) for parts, _ in seen for part in parts] == [{second: 7}]


def test_a_ring_is_gone_round_once_from_any_place() -> None:
    members = [Subscriber(str(number), Encoding.MSGPACK, Listener()) for number in range(6)]
    parts: list[Part] = [
        (b"a", {members[0]: 0, members[1]: 1}),
        (b"b", {members[2]: 2}),
        (b"c", dict.fromkeys(members[3:], 3)),
    ]
    everybody = [(frame, member) for frame, listeners in parts for member in listeners]
    for start in range(6):
        met = [(frame, member) for frame, listeners in around(parts, start) for member, _ in listeners]
        assert met == everybody[start:] + everybody[:start]


def test_a_write_that_takes_listeners_away_makes_nobody_hear_twice_or_never() -> None:
    """The ring is cut at its start: what is left of the cut must not shift under the loop."""
    written: list[str] = []
    listeners: dict[Subscriber, int] = {}

    class Suspending(Noting):
        def write(self, data: bytes) -> None:
            super().write(data)
            for subscriber in list(listeners)[:2]:
                del listeners[subscriber]

    for number in range(6):
        listeners[Subscriber(str(number), Encoding.MSGPACK, Suspending(str(number), written))] = -1
    assert write_by_transports([(b"x", listeners)], 4) == []
    assert written == ["4", "5", "0", "1", "2", "3"]


def test_joined_parts_hold_everybody_once() -> None:
    members = [Subscriber(str(number), Encoding.MSGPACK, Listener()) for number in range(3)]
    parts: list[Part] = [(b"a", dict.fromkeys(members, 0)), (b"b", {members[1]: 0})]
    assert [(frame, list(listeners)) for frame, listeners in joined(parts)] == [
        (b"a", [members[0], members[2]]),
        (b"ab", [members[1]]),
    ]
