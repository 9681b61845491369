"""A client's bytes, cut here, are the frames that the library alone would have read from them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.protocol import SERVER, Protocol, State

from services.gateway.client_frames import ClientFrames, Cut, ForTheLibrary
from shared.websocket_frame import BINARY, FIN, TEXT, client_frame

PAYLOAD_MAX = 70_000
MASK = b"\x01\x80\xff\x37"

payloads = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([0, 1, 119, 125, 126, 127, 128, 65_535, 65_536, PAYLOAD_MAX, PAYLOAD_MAX + 1]).map(
        lambda size: b"x" * size
    ),
)
frames = st.builds(
    lambda payload, opcode, flags: bytes([opcode | flags]) + client_frame(payload, opcode, MASK)[1:],
    payloads,
    st.one_of(st.just(BINARY), st.integers(0, 15)),
    st.sampled_from([FIN, FIN, FIN, FIN, 0, FIN | 0x40, 0x10]),
)
pieces = st.one_of(frames, frames, frames, st.binary(max_size=20))
cuts = st.lists(st.integers(1, 300), max_size=30)


def library() -> Protocol:
    return Protocol(SERVER, max_size=PAYLOAD_MAX)


def told(protocol: Protocol) -> list[tuple[int, bytes, bool]]:
    return [
        (event.opcode, bytes(event.data), event.fin) for event in protocol.events_received() if isinstance(event, Frame)
    ]


def chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    found, at = [], 0
    for size in sizes:
        found.append(data[at : at + size])
        at += size
    return [chunk for chunk in (*found, data[at:]) if chunk]


def cuts_of(ours: ClientFrames, data: bytes) -> Iterator[Cut]:
    """What some bytes complete, as a connection asks for it."""
    payload = ours.receive(data)
    if payload is None:
        yield from rest_of(ours)
    else:
        yield payload


def rest_of(ours: ClientFrames) -> Iterator[Cut]:
    while (cut := ours.next_cut()) is not None:
        yield cut


@given(st.lists(pieces, max_size=8), cuts, st.sampled_from([BINARY, TEXT]))
def test_whatever_comes_is_read_as_by_the_library_alone(sent: list[bytes], sizes: list[int], opcode: int) -> None:
    alone, helped, ours = library(), library(), ClientFrames(opcode, PAYLOAD_MAX)
    heard: list[Any] = []
    wanted: list[Any] = []
    for chunk in chunks(b"".join(sent), sizes):
        alone.receive_data(chunk)
        wanted += told(alone)
        for cut in cuts_of(ours, chunk):
            if isinstance(cut, ForTheLibrary):
                helped.receive_data(cut.data)
                heard += told(helped)
                if helped.state is not State.OPEN:
                    ours.end()
            else:
                heard.append((opcode, cut, True))
        assert heard == wanted
        if helped.state is not State.OPEN:
            assert (helped.state, helped.close_sent) == (alone.state, alone.close_sent)
    if all(len(piece) > 20 for piece in sent):  # whole frames: the library alone refuses some before they have all come
        assert helped.state is alone.state


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), cuts)
def test_the_library_sees_nothing_of_plain_requests(sent: list[bytes], sizes: list[int]) -> None:
    ours = ClientFrames(BINARY, PAYLOAD_MAX)
    data = b"".join(client_frame(payload, BINARY, MASK) for payload in sent)
    assert [cut for chunk in chunks(data, sizes) for cut in cuts_of(ours, chunk)] == sent


@pytest.mark.parametrize("size", [1, 126, 200, 300])
def test_a_request_that_comes_in_two_parts_is_whole_wherever_it_is_cut(size: int) -> None:
    """The first part of a long one may look like a short one."""
    frame = client_frame(bytes(size), BINARY, MASK)
    for at in range(1, len(frame)):
        ours = ClientFrames(BINARY, PAYLOAD_MAX)
        assert list(cuts_of(ours, frame[:at])) == [], at
        assert list(cuts_of(ours, frame[at:])) == [bytes(size)], at


@pytest.mark.parametrize("size", [126, 127, 65_535, 65_536])
def test_sizes_are_read_at_the_borders_of_their_forms(size: int) -> None:
    ours = ClientFrames(BINARY, PAYLOAD_MAX)
    frame = client_frame(bytes(size), BINARY, MASK)
    assert list(cuts_of(ours, frame + frame)) == [bytes(size)] * 2


def test_after_two_requests_in_one_read_the_next_alone_is_taken_at_once() -> None:
    """What has been handed out is not held: else a stream would grow for as long as its client stays."""
    ours = ClientFrames(BINARY, PAYLOAD_MAX)
    frame = client_frame(b"request", BINARY, MASK)
    assert list(cuts_of(ours, frame + frame)) == [b"request"] * 2
    assert ours.receive(frame) == b"request"


@pytest.mark.parametrize("size", [PAYLOAD_MAX + 1, 2**63 - 1])
def test_a_frame_that_is_too_long_is_the_librarys_as_soon_as_it_is_announced(size: int) -> None:
    """So nothing of it is held."""
    ours = ClientFrames(BINARY, PAYLOAD_MAX)
    head = bytes([FIN | BINARY, 0xFF]) + size.to_bytes(8, "big")
    assert [cut for at in range(10) for cut in cuts_of(ours, head[at : at + 1])] == [ForTheLibrary(head)]
    assert list(cuts_of(ours, b"more")) == []
    assert ours._held == b""


def test_a_frame_that_comes_byte_by_byte_is_not_copied_for_each() -> None:
    """Else 256 KiB, sent so, would take a gateway minutes of copying."""
    ours = ClientFrames(BINARY, PAYLOAD_MAX)
    frame = client_frame(bytes(1000), BINARY, MASK)
    held = ours._held
    for at in range(len(frame) - 1):
        assert not list(cuts_of(ours, frame[at : at + 1]))
        assert ours._held is held
    assert list(cuts_of(ours, frame[-1:])) == [bytes(1000)]
    assert held == b""


@given(st.lists(pieces, max_size=8), cuts, st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_where_a_reader_stops_for_a_while_changes_nothing(
    sent: list[bytes], sizes: list[int], slices: list[int]
) -> None:
    """A flood is read in slices: whatever comes meanwhile, what is cut from it is the same."""
    at_once, in_slices = ClientFrames(BINARY, PAYLOAD_MAX), ClientFrames(BINARY, PAYLOAD_MAX)
    wanted: list[Cut] = []
    found: list[Cut] = []
    for number, chunk in enumerate(chunks(b"".join(sent), sizes)):
        wanted.extend(cuts_of(at_once, chunk))
        payload = in_slices.receive(chunk)
        found.extend([payload] if payload is not None else islice(rest_of(in_slices), slices[number % len(slices)]))
    found.extend(rest_of(in_slices))
    *before, last = wanted or [b""]
    assert (found or [b""])[: len(before)] == before
    if isinstance(last, ForTheLibrary):  # if it cannot be read, what came meanwhile is handed on behind it
        assert found[-1][0].startswith(last.data)
    else:
        assert (found or [b""])[-1] == last
    assert len(found) == len(wanted)
