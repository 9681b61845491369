"""What is written to one listener never touches another, whatever state its transport is in and whatever it raises."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from websockets.protocol import State

from openoutcry.wire.codec import Encoding
from openoutcry.wire.digest import book_digest
from openoutcry.wire.errors import InvalidArgument
from openoutcry.wire.messages import Delta, Execution, Heartbeat, Level, Snapshot, Status
from openoutcry.wire.types import MarketState
from services.gateway.channel import ChannelKey
from services.gateway.market_data_service import MarketDataService
from services.gateway.replica import Changes, MarketReplica
from services.gateway.subscriber import LagLimits, LagVerdict, Subscriber
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.listener import Listener

KEYS = [ChannelKey(kind, "ACME", 0, 0) for kind in ("book", "ticker", "trades")]
LIMITS = LagLimits(soft_bytes=1000, hard_bytes=5000, lag_s=10.0)
ERRORS = [
    RuntimeError("Cannot call write() after write_eof()"),  # asyncio and uvloop, once EOF was written
    RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),  # uvloop
    ConnectionResetError("reset"),
    BrokenPipeError("gone"),
    OSError(107, "not connected"),
    AttributeError("'NoneType' object has no attribute '_write_appdata'"),  # a TLS transport that was aborted
    ValueError("a transport of somebody else's"),
]


class Ending(Listener):
    """A transport whose methods raise from some moment on."""

    def __init__(self) -> None:
        super().__init__()
        self.raises: dict[str, Exception] = {}
        self.is_closed = False
        self.calls: list[str] = []

    def _meet(self, method: str) -> None:
        self.calls.append(method)
        if method in self.raises:
            raise self.raises[method]

    def write(self, data: bytes) -> None:
        self._meet("write")
        super().write(data)

    def get_write_buffer_size(self) -> int:
        self._meet("get_write_buffer_size")
        return super().get_write_buffer_size()

    def is_closing(self) -> bool:
        self._meet("is_closing")
        return self.is_closed

    def abort(self) -> None:
        self._meet("abort")
        super().abort()


def state(seq: int) -> Snapshot:
    bids: list[Level] = [(100, seq, 1)]
    return Snapshot("ACME", 1, seq, 0, 0, bids, [], book_digest([(100, seq)], []))


METHODS = ("write", "get_write_buffer_size", "is_closing")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", range(3))
async def test_a_broadcast_reaches_all_whatever_one_transport_raises(method: str, error: Exception, place: int) -> None:
    """First, in the middle or last: the others get every delta, and the one is forgotten at once."""
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    users = [Ending() for _ in range(3)]
    for number, user in enumerate(users):
        await service.subscribe_user(f"user-{number}", user)
    users[place].raises[method] = error
    for seq in range(2, 6):
        await service.broadcast_order_book_update(state(seq))
    for number, user in enumerate(users):
        seqs = [delta.seq for delta in user.heard(Delta)]
        assert seqs == ([] if number == place else [2, 3, 4, 5])
    assert users[place].calls.count(method) <= 3  # one joining, one failing, and then none: it is forgotten
    assert service.subscriptions()["book"] == 2


async def test_a_closing_transport_is_skipped_and_left_to_its_close() -> None:
    """Data behind a close frame is against RFC 6455 (5.5.1), and an abort would cut the closing handshake."""
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    ann, bob = Ending(), Ending()
    await service.subscribe_user("ann", ann)
    await service.subscribe_user("bob", bob)
    ann.is_closed = True
    ann.calls.clear()
    await service.broadcast_order_book_update(state(2))
    assert "write" not in ann.calls
    assert not ann.is_aborted
    assert [delta.seq for delta in bob.heard(Delta)] == [2]
    assert service.subscriptions()["book"] == 1


@pytest.mark.parametrize("closing", [State.CLOSING, State.CLOSED])
async def test_a_websocket_whose_close_frame_is_out_is_skipped(closing: State) -> None:
    """Its transport is open until the peer has answered."""
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    connection = SimpleNamespace(transport=Ending(), state=State.OPEN)
    await service.subscribe_user("ann", connection)
    await service.broadcast_order_book_update(state(2))
    connection.state = closing
    await service.broadcast_order_book_update(state(3))
    assert [delta.seq for delta in connection.transport.heard(Delta)] == [2]


@pytest.mark.parametrize("method", METHODS)
async def test_who_is_gone_before_the_snapshot_is_no_error_either(method: str) -> None:
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    gone = Ending()
    gone.raises[method] = RuntimeError("closed")
    await service.subscribe_user("ann", gone)
    await service.broadcast_order_book_update(state(2))
    assert not service.subscriptions()["book"]
    service.unsubscribe_user("ann")


async def test_an_abort_that_raises_is_no_error_either() -> None:
    service = MarketDataService(lag_limits=LIMITS, pace_s=0)
    await service.broadcast_order_book_update(state(1))
    slow, bob = Ending(), Ending()
    await service.subscribe_user("ann", slow)
    await service.subscribe_user("bob", bob)
    slow.unsent = 6000
    slow.raises["abort"] = RuntimeError("closed")
    await service.broadcast_order_book_update(state(2))
    assert "abort" in slow.calls
    assert [delta.seq for delta in bob.heard(Delta)] == [2]
    assert service.subscriptions()["book"] == 1


class Meddling(Listener):
    """A transport that does something when it is written to."""

    deed: Callable[[], None] | None = None

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.deed is not None:
            deed, self.deed = self.deed, None
            deed()


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_who_unsubscribes_during_a_broadcast_hears_nothing_more_of_it(encoding: Encoding) -> None:
    """Asyncio's transports call `pause_writing` within `write`: an application may well end a user there."""
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    users = {name: Meddling(encoding) for name in ("ann", "bob", "eve")}
    for name, each in users.items():
        await service.subscribe_user(name, each, encoding)
        each.forget()
    heard: list[str] = []
    for name, each in users.items():

        def end_the_others(me: str = name) -> None:
            heard.append(me)
            for other in users:
                if other != me:
                    service.unsubscribe_user(other)

        each.deed = end_the_others
    await service.broadcast_order_book_update(state(2))
    assert len(heard) == 1
    assert {name: each.writes for name, each in users.items()} == {name: int(name in heard) for name in users}
    await service.broadcast_order_book_update(state(3))
    assert users[heard[0]].book().seq == 3


async def test_who_subscribes_during_a_broadcast_is_whole() -> None:
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    ann, late = Meddling(), Listener()
    await service.subscribe_user("ann", ann)

    def join() -> None:
        service.subscribe(Subscriber("late", Encoding.MSGPACK, late), ChannelKey("book", "*", 0, 0))

    ann.deed = join
    for seq in (2, 3):
        await service.broadcast_order_book_update(state(seq))
    assert (late.book().seq, ann.book().seq) == (3, 3)


class Foreign:
    """What a library has that takes messages, not frames."""

    async def write(self, data: bytes) -> None: ...

    async def send_bytes(self, data: bytes) -> None: ...


@pytest.mark.parametrize(
    ("connection", "lacks"),
    [
        (None, "NoneType has no write"),
        (SimpleNamespace(transport=None), "NoneType has no write"),  # of a connection that has ended, in many libraries
        (object(), "object has no write"),
        (Foreign(), "Foreign has no get_write_buffer_size"),
        (SimpleNamespace(write=Foreign().write, get_write_buffer_size=int, abort=int), "waits in its write"),
        (SimpleNamespace(write=print, get_write_buffer_size=int), "has no abort"),
    ],
    ids=["none", "ended", "no connection", "another library's", "a coroutine", "half a transport"],
)
async def test_what_cannot_be_written_to_is_refused_and_the_subscription_that_stands_goes_on(
    connection: object, lacks: str
) -> None:
    """It was an AttributeError that had ended the user's subscription, or nobody ever heard that nothing was sent."""
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    held = Listener()
    await service.subscribe_user("ann", held)
    with pytest.raises(InvalidArgument, match=lacks):
        await service.subscribe_user("ann", connection)
    await service.broadcast_order_book_update(state(2))
    assert held.book().seq == 2


async def test_another_book_at_the_same_seq_is_told() -> None:
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    ann = Listener()
    await service.subscribe_user("ann", ann)
    bids: list[Level] = [(100, 9, 1)]
    await service.broadcast_order_book_update(Snapshot("ACME", 1, 1, 0, 0, bids, [], book_digest([(100, 9)], [])))
    assert ann.book().bids.quantities == {100: 9}


async def test_a_late_unsubscription_does_not_touch_the_connection_that_came_after() -> None:
    """A user who comes back before the server has noticed that the first connection ended."""
    service = MarketDataService(pace_s=0)
    await service.broadcast_order_book_update(state(1))
    first, second = Ending(), Ending()
    await service.subscribe_user("ann", first)
    await service.subscribe_user("ann", second)
    service.unsubscribe_user("ann", first)
    await service.broadcast_order_book_update(state(2))
    assert [delta.seq for delta in second.heard(Delta)] == [2]
    service.unsubscribe_user("ann", second)
    assert not service.subscriptions()["book"]


class Hall:
    """The fan-out as a gateway uses it: three who follow everything, of whom the middle one's transport ends."""

    def __init__(self) -> None:
        self.exchange = Exchange("ACME")
        self.service = MarketDataService(MarketReplica(), LIMITS, 0.0)
        self.now = 0.0
        self.service.publish(self.service.market.load(*self.exchange.snapshots()))
        self.listeners = [Ending() for _ in range(3)]
        self.subscribers = [
            Subscriber(f"user-{number}", Encoding.MSGPACK, listener) for number, listener in enumerate(self.listeners)
        ]
        for subscriber in self.subscribers:
            for key in KEYS:
                self.service.subscribe(subscriber, key)
            self.service.hear_account(subscriber)
        for listener in self.listeners:
            listener.forget()
        self.gone = self.listeners[1]
        self.gone.raises["write"] = RuntimeError("closed")

    def flush(self) -> None:
        changes = Changes()
        executions = [self.exchange.accepted(f"user-{number}", number + 1) for number in range(3)]
        packet = self.exchange.packet(bids=[(100, 5)], trades=[self.exchange.trade(100, 1)], executions=executions)
        self.service.market.apply(*packet, changes)
        self.service.publish(changes)
        self.now += 1.0
        self.service.flush_due(self.now)

    def load(self) -> None:
        self.service.publish(self.service.market.load(*self.exchange.snapshots()))

    def drain(self) -> None:
        for listener, subscriber in zip(self.listeners, self.subscribers, strict=True):
            listener.unsent = 2000
            self.service.review(subscriber, self.now)
            listener.unsent = 0
        for subscriber in self.subscribers:
            self.service.review(subscriber, self.now)


DEEDS: dict[str, Callable[[Hall], None]] = {
    "flush": Hall.flush,
    "load": Hall.load,
    "drain": Hall.drain,
    "heartbeat": lambda hall: hall.service.heartbeat(hall.subscribers, 1),
    "broadcast": lambda hall: hall.service.broadcast(hall.subscribers, Status(None, MarketState.STALE, "", 1)),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_whatever_is_said_to_many_reaches_all_but_who_is_gone(deed: str) -> None:
    hall = Hall()
    DEEDS[deed](hall)
    first, _, last = hall.listeners
    assert first.messages
    assert len(first.messages) == len(last.messages)
    assert not hall.gone.messages
    assert hall.subscribers[1].is_gone
    assert hall.service.subscriptions() == {"book": 2, "ticker": 2, "trades": 2, "account": 2}
    assert hall.service.review(hall.subscribers[1], hall.now) is LagVerdict.TOO_SLOW
    hall.service.heartbeat(hall.subscribers, 2)
    assert len(first.heard(Heartbeat)) == len(last.heard(Heartbeat)) > 0


def test_executions_reach_the_others_if_a_write_removes_one() -> None:
    """A transport of somebody else's may do that: the next user's listeners were looked up in vain."""
    service = MarketDataService(pace_s=0)
    exchange = Exchange("ACME")
    service.publish(service.market.load(*exchange.snapshots()))
    others: list[Subscriber] = []

    class Sweeping(Ending):
        def write(self, data: bytes) -> None:
            super().write(data)
            for each in others:
                service.remove(each)

    service.hear_account(Subscriber("ann", Encoding.MSGPACK, sweeping := Sweeping()))
    for number in range(8):
        others[:] = [Subscriber(name, Encoding.MSGPACK, Ending()) for name in ("bob", "cid")]
        for each in others:
            service.hear_account(each)
        changes = Changes()
        executions = [exchange.accepted(name, number) for name in ("ann", "bob", "cid")]
        service.market.apply(*exchange.packet(executions=executions), changes)
        service.publish(changes)
    assert len(sweeping.heard(Execution)) == 8
