"""Frames straight to sockets: what the kernel does not take goes to the transport, whole and in order."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from random import Random

import pytest

from openoutcry.wire.codec import Encoding
from services.gateway.aio.direct_write import write_to_all
from services.gateway.aio.ring_write import SendRing
from services.gateway.broadcast import Broadcast
from services.gateway.subscriber import NO_DESCRIPTOR, Subscriber, sealed

FRAME = bytes(range(256)) * 64
SEALING = (2, 5, 8)
"""Of random flushes."""


def inverted(frame: bytes) -> bytes:
    """A seal that can be told from the plain."""
    return bytes(255 - each for each in frame)


class Waiting:
    """A transport that holds everything back."""

    def __init__(self) -> None:
        self.held = b""
        self.last = b""

    def write(self, data: bytes) -> None:
        self.held += data
        self.last = data

    def get_write_buffer_size(self) -> int:
        return len(self.held)

    def abort(self) -> None:
        raise AssertionError


def ring_forbidden() -> str:
    try:
        SendRing(1).close()
    except OSError as error:
        return f"no io_uring here: {error}"
    return ""


@pytest.fixture(
    params=[
        "straight",
        pytest.param("ring", marks=pytest.mark.skipif(bool(ring_forbidden()), reason=ring_forbidden())),
    ]
)
def write(request: pytest.FixtureRequest) -> Iterator[Broadcast]:
    """Each way to write; the ring is so small that flushes go round it."""
    if request.param == "straight":
        yield write_to_all
        return
    ring = SendRing(4)
    yield ring
    ring.close()


class Sealing(Waiting):
    """A transport whose peer reads inverted bytes only."""

    def write(self, data: bytes) -> None:
        super().write(inverted(data))

    def write_sealed(self, data: bytes) -> None:
        super().write(data)

    def seal(self, data: bytes) -> bytes:
        return inverted(data)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def listener(*, seals: bool = False) -> tuple[Subscriber, Waiting]:
    transport = Sealing() if seals else Waiting()
    return Subscriber("ann", Encoding.MSGPACK, transport), transport


def received(end: socket.socket) -> bytes:
    end.setblocking(False)
    data = b""
    try:
        while piece := end.recv(1 << 20):
            data += piece
    except BlockingIOError:
        pass
    return data


def test_a_descriptor_is_written_to_and_the_transport_left_alone(
    write: Broadcast, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    subscriber, transport = listener()
    write([(FRAME, {subscriber: ours.fileno()})], 0)
    assert received(theirs) == FRAME
    assert not transport.held


def test_without_a_descriptor_the_transport_gets_the_frame(write: Broadcast) -> None:
    subscriber, transport = listener()
    write([(FRAME, {subscriber: NO_DESCRIPTOR})], 0)
    assert transport.held == FRAME


def test_what_the_kernel_does_not_take_goes_to_the_transport(
    write: Broadcast, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Some of a frame, or nothing of it: nothing is lost, nothing is said twice."""
    ours, theirs = pair
    subscriber, transport = listener()
    frames = 0
    while not transport.held:
        write([(FRAME, {subscriber: ours.fileno()})], 0)
        frames += 1
    write([(FRAME, {subscriber: NO_DESCRIPTOR})], 0)
    assert received(theirs) + transport.held == FRAME * (frames + 1)


def test_one_that_is_gone_disturbs_nobody(write: Broadcast, pair: tuple[socket.socket, socket.socket]) -> None:
    """Its transport finds out; here it holds the frame."""
    ours, theirs = pair
    gone, gone_transport = listener()
    present, _ = listener()
    closed, other_end = socket.socketpair()
    other_end.close()
    with closed:
        write([(FRAME, {gone: closed.fileno(), present: ours.fileno()})], 0)
    assert gone_transport.held == FRAME
    assert received(theirs) == FRAME


def test_a_write_may_take_listeners_away(write: Broadcast, pair: tuple[socket.socket, socket.socket]) -> None:
    """A transport's write suspends whoever is over its limit, in the middle of a flush."""
    ours, theirs = pair
    last, _ = listener()
    listeners: dict[Subscriber, int] = {}

    class Suspending(Waiting):
        def write(self, data: bytes) -> None:
            super().write(data)
            listeners.clear()

    first = Subscriber("bob", Encoding.MSGPACK, Suspending())
    listeners |= {first: NO_DESCRIPTOR, last: ours.fileno()}
    write([(FRAME, listeners)], 0)
    assert received(theirs) == FRAME


def test_what_is_left_of_a_frame_is_not_copied_for_each_listener(
    write: Broadcast, pair: tuple[socket.socket, socket.socket]
) -> None:
    """A deep book's snapshot has 7 MB: a thousand copies took seconds, and all of the memory."""
    ours, _ = pair
    subscriber, transport = listener()
    large = bytes(8 << 20)
    write([(large, {subscriber: ours.fileno()})], 0)
    left = memoryview(transport.last)
    assert 0 < len(left) < len(large)
    assert left.obj is large


def test_any_flush_reaches_each_listener_whole_and_in_order(write: Broadcast) -> None:
    """Random parts; listeners full, gone, sealed for or without a descriptor. What they and their transports got."""
    random = Random(17)
    ends = [socket.socketpair() for _ in range(11)]
    listeners = [listener(seals=each in SEALING) for each in range(len(ends))]
    told = [b""] * len(ends)
    for ours, _ in ends:
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    ends[3][1].close()
    for flush in range(300):
        places = random.sample(range(len(ends)), random.randint(1, len(ends)))
        cut = random.randint(0, len(places))
        parts = []
        for number, members in enumerate((places[:cut], places[cut:])):
            frame = f"{flush}/{number}.".encode() * random.choice((1, 40, 900))
            if members:
                parts.append((frame, {listeners[each][0]: reachable(each, ends, listeners) for each in members}))
            for each in members:
                told[each] += inverted(frame) if each in SEALING else frame
        assert not write(parts, random.randrange(len(places)))
    for each, (_, theirs) in enumerate(ends):
        got = b"" if each == 3 else received(theirs)
        assert got + listeners[each][1].held == told[each]
        assert (each in {5, 3}) <= bool(listeners[each][1].held)
    for ours, theirs in ends:
        ours.close()
        theirs.close()


def reachable(
    each: int, ends: list[tuple[socket.socket, socket.socket]], listeners: list[tuple[Subscriber, Waiting]]
) -> int:
    """As a connection says it: no descriptor while the transport holds anything."""
    if each == 5 or listeners[each][1].held:
        return NO_DESCRIPTOR
    descriptor = ends[each][0].fileno()
    return sealed(descriptor) if each in SEALING else descriptor


def test_one_that_can_be_sealed_for_no_more_is_lost_and_disturbs_nobody(
    write: Broadcast, pair: tuple[socket.socket, socket.socket]
) -> None:
    """As TLS that was said goodbye to."""
    ours, theirs = pair

    class Broken(Sealing):
        def seal(self, data: bytes) -> bytes:
            raise ValueError("over")

    broken, (present, _) = Subscriber("ann", Encoding.MSGPACK, Broken()), listener()
    with socket.socket() as unused:
        assert write([(FRAME, {broken: sealed(unused.fileno()), present: ours.fileno()})], 0) == [broken]
    assert received(theirs) == FRAME


def test_the_first_of_the_ring_is_sent_to_first(write: Broadcast) -> None:
    """Datagrams into one socket keep the order of the sends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        address = f"\0{secrets.token_hex(8)}"
        inbox.bind(address)
        outboxes = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(7)]
        listeners = []
        for outbox in outboxes:
            outbox.connect(address)
            listeners.append({listener()[0]: outbox.fileno()})
        parts = [(str(number).encode(), each) for number, each in enumerate(listeners)]
        for start in range(7):
            write(parts, start)
            assert [int(inbox.recv(8)) for _ in range(7)] == [(start + place) % 7 for place in range(7)]
        for outbox in outboxes:
            outbox.close()
