"""Reading a request's map: one encoding, bounded, and what a client is told where it is none."""

from __future__ import annotations

import pytest

from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.request_limits import INSTRUMENTS_IN_REQUEST_MAX, REQUEST_BYTES_MAX
from services.gateway.request_map import REQUEST_ARRAY_MAX, decode_map


@pytest.mark.parametrize("encoding", Encoding)
def test_a_request_survives_the_round_trip(encoding: Encoding) -> None:
    request = {"op": "ping", "id": 1}
    assert decode_map(encode_request(request, encoding), encoding) == request


@pytest.mark.parametrize("encoding", Encoding)
def test_a_request_that_is_no_map_says_what_one_looks_like(encoding: Encoding) -> None:
    with pytest.raises(MalformedMessage, match='"op": "ping"'):
        decode_map(encode_request([1], encoding), encoding)  # type: ignore[arg-type]


def test_json_is_utf8_and_nothing_else() -> None:
    """Given bytes, the JSON library guesses other encodings; the protocol has one."""
    with pytest.raises(MalformedMessage):
        decode_map('{"op":"ping"}'.encode("utf-16-le"), Encoding.JSON)


def test_arrays_that_are_only_announced_take_no_memory() -> None:
    """Found by fuzzing: each level of nested arrays was made as long as it announced, and nothing came after."""
    hostile = b"\xdd\x00\x00\x3f\xff" * (REQUEST_BYTES_MAX // 5)
    with pytest.raises(MalformedMessage, match="16383 exceeds max_array_len"):
        decode_map(hostile, Encoding.MSGPACK)
    assert REQUEST_ARRAY_MAX > INSTRUMENTS_IN_REQUEST_MAX  # below it, the request's own rule is what is told
