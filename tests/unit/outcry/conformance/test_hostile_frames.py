"""The kit's frames are what they claim to be, told by an independent reader."""

from __future__ import annotations

import pytest
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame
from websockets.protocol import OPEN, Protocol, Side

from outcry.conformance.hostile_frames import MASK, header_only, raw_frame
from shared.websocket_frame import BINARY, TEXT, client_frame


def server() -> Protocol:
    return Protocol(Side.SERVER, state=OPEN, max_size=1 << 20)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_right_frame_is_right(size: int) -> None:
    """At every length's form."""
    payload = bytes(number % 251 for number in range(size))
    assert raw_frame(payload, BINARY) == client_frame(payload, BINARY, MASK)


def test_fragments_are_read_as_such() -> None:
    reader = server()
    reader.receive_data(raw_frame(b"ab", TEXT, fin=False) + raw_frame(b"c", 0))
    frames = [event for event in reader.events_received() if isinstance(event, Frame)]
    assert [(frame.data, frame.fin) for frame in frames] == [(b"ab", False), (b"c", True)]


@pytest.mark.parametrize("reserved", [1, 2, 4])
def test_reserved_bits_are_set(reserved: int) -> None:
    reader = server()
    reader.receive_data(raw_frame(b"x", TEXT, reserved=reserved))
    assert isinstance(reader.parser_exc, ProtocolError)


def test_a_missing_mask_is_missing() -> None:
    reader = server()
    reader.receive_data(raw_frame(b"x", TEXT, masked=False))
    assert isinstance(reader.parser_exc, ProtocolError)


def test_a_header_alone_announces_its_payload() -> None:
    reader = server()
    reader.receive_data(header_only((1 << 20) + 1, BINARY))
    assert isinstance(reader.parser_exc, PayloadTooBig)
