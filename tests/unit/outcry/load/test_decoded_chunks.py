from __future__ import annotations

import msgpack
import pytest

from openoutcry.wire.errors import MalformedMessage
from outcry.load.decoded_chunks import REMEMBERED_BYTES_MAX, REMEMBERED_MAX, DecodedChunks, decode_frame


def test_a_frame_is_an_array_of_messages() -> None:
    assert decode_frame(msgpack.packb([[8, 0, {}]])) == [[8, 0, {}]]


@pytest.mark.parametrize("payload", [b"", b"\xc1", msgpack.packb({"op": "ping"}), msgpack.packb([1])[:-1]])
def test_anything_else_is_the_peers_error(payload: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_frame(payload)


def test_remembers_equal_bytes() -> None:
    chunks = DecodedChunks()
    frames = [[[8, 0, {}]]]
    chunks.remember(b"abc", frames)
    assert chunks.chunk(bytes(bytearray(b"abc"))) is frames
    assert chunks.chunk(b"abd") is None


def test_its_memory_is_bounded_in_chunks_and_bytes() -> None:
    chunks = DecodedChunks()
    chunks.remember(bytes(REMEMBERED_BYTES_MAX + 1), [])
    assert chunks.chunk(bytes(REMEMBERED_BYTES_MAX + 1)) is None
    for number in range(3 * REMEMBERED_MAX):
        chunks.remember(number.to_bytes(4, "big"), [])
    remembered = sum(chunks.chunk(number.to_bytes(4, "big")) is not None for number in range(3 * REMEMBERED_MAX))
    assert 0 < remembered <= REMEMBERED_MAX
