"""Requests cut from the stream in one go, and what must not be."""

from __future__ import annotations

import pytest

from services.gateway.client_frames import ClientFrames, ForTheLibrary
from shared.websocket_frame import BINARY, client_frame

MASK = b"\x01\x80\xff\x37"


@pytest.mark.parametrize("size", [3, 125, 126, 200, 1000])
def test_a_whole_request_is_cut_at_once(size: int) -> None:
    payload = bytes(number % 251 for number in range(size))
    assert ClientFrames(BINARY, 16_384).receive(client_frame(payload, BINARY, MASK)) == payload


def test_what_comes_within_a_fragmented_message_is_the_library_s_to_refuse() -> None:
    """A request between two fragments is none: it would be carried out though its message is refused."""
    frames = ClientFrames(BINARY, 16_384)
    beginning = bytes([BINARY]) + client_frame(b"first", BINARY, MASK)[1:]
    assert frames.receive(beginning) is None
    assert isinstance(frames.next_cut(), ForTheLibrary)
    assert frames.receive(client_frame(b"another", BINARY, MASK)) is None
    assert isinstance(frames.next_cut(), ForTheLibrary)
