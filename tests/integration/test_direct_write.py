"""Frames straight to sockets: what the kernel does not take goes to the transport, whole and in order."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from openoutcry.wire.codec import Encoding
from services.gateway.aio.direct_write import write_to_all
from services.gateway.subscriber import NO_DESCRIPTOR, Subscriber

FRAME = bytes(range(256)) * 64


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


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def listener() -> tuple[Subscriber, Waiting]:
    transport = Waiting()
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


def test_a_descriptor_is_written_to_and_the_transport_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    subscriber, transport = listener()
    write_to_all([(FRAME, {subscriber: ours.fileno()})], 0)
    assert received(theirs) == FRAME
    assert not transport.held


def test_without_a_descriptor_the_transport_gets_the_frame() -> None:
    subscriber, transport = listener()
    write_to_all([(FRAME, {subscriber: NO_DESCRIPTOR})], 0)
    assert transport.held == FRAME


def test_what_the_kernel_does_not_take_goes_to_the_transport(pair: tuple[socket.socket, socket.socket]) -> None:
    """Some of a frame, or nothing of it: nothing is lost, nothing is said twice."""
    ours, theirs = pair
    subscriber, transport = listener()
    frames = 0
    while not transport.held:
        write_to_all([(FRAME, {subscriber: ours.fileno()})], 0)
        frames += 1
    write_to_all([(FRAME, {subscriber: NO_DESCRIPTOR})], 0)
    assert received(theirs) + transport.held == FRAME * (frames + 1)


def test_one_that_is_gone_disturbs_nobody(pair: tuple[socket.socket, socket.socket]) -> None:
    """Its transport finds out; here it holds the frame."""
    ours, theirs = pair
    gone, gone_transport = listener()
    present, _ = listener()
    closed, other_end = socket.socketpair()
    other_end.close()
    with closed:
        write_to_all([(FRAME, {gone: closed.fileno(), present: ours.fileno()})], 0)
    assert gone_transport.held == FRAME
    assert received(theirs) == FRAME


def test_a_write_may_take_listeners_away(pair: tuple[socket.socket, socket.socket]) -> None:
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
    write_to_all([(FRAME, listeners)], 0)
    assert received(theirs) == FRAME


def test_what_is_left_of_a_frame_is_not_copied_for_each_listener(pair: tuple[socket.socket, socket.socket]) -> None:
    """A deep book's snapshot has 7 MB: a thousand copies took seconds, and all of the memory."""
    ours, _ = pair
    subscriber, transport = listener()
    large = bytes(8 << 20)
    write_to_all([(large, {subscriber: ours.fileno()})], 0)
    left = memoryview(transport.last)
    assert 0 < len(left) < len(large)
    assert left.obj is large
