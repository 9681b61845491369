"""Both encodings by example; `tests/property/test_codec.py` has the arbitrary bytes."""

from __future__ import annotations

import json

import msgpack
import pytest

from shared.codec import (
    SUBPROTOCOLS,
    Encoding,
    decode_messages,
    encode_messages,
    encode_request,
)
from shared.errors import MalformedMessage
from shared.messages import Account, Heartbeat, OpenOrder, Status
from shared.request_map import REQUEST_ARRAY_MAX, decode_map
from shared.requests import INSTRUMENTS_IN_REQUEST_MAX, REQUEST_BYTES_MAX
from shared.types import MarketState, OrderKind, Side, TimeInForce

HEARTBEAT = Heartbeat(1_000, {"ACME": 3})


def test_subprotocols_prefer_msgpack() -> None:
    assert SUBPROTOCOLS == ("openoutcry.v1.msgpack", "openoutcry.v1.json")


def test_a_msgpack_message_is_its_type_and_fields_in_order() -> None:
    assert msgpack.unpackb(encode_messages([HEARTBEAT], Encoding.MSGPACK)) == [[8, 1_000, {"ACME": 3}]]


def test_a_json_message_names_its_fields() -> None:
    encoded = encode_messages([HEARTBEAT], Encoding.JSON)
    assert json.loads(encoded) == [{"type": "heartbeat", "server_time": 1_000, "books": {"ACME": 3}}]


@pytest.mark.parametrize("encoding", Encoding)
def test_an_empty_frame_holds_no_messages(encoding: Encoding) -> None:
    assert decode_messages(encode_messages([], encoding), encoding) == []


@pytest.mark.parametrize("encoding", Encoding)
def test_enumerations_decode_to_equal_strings(encoding: Encoding) -> None:
    [status] = decode_messages(encode_messages([Status(None, MarketState.STALE, "", 0)], encoding), encoding)
    assert isinstance(status, Status)
    assert status.state == MarketState.STALE


@pytest.mark.parametrize("encoding", Encoding)
def test_an_account_s_orders_are_orders_again(encoding: Encoding) -> None:
    order = OpenOrder(1, "mine", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 3)
    [account] = decode_messages(encode_messages([Account(1, [order], {}, {})], encoding), encoding)
    assert isinstance(account, Account)
    assert account.orders == [order]
    assert isinstance(account.orders[0], OpenOrder)


def test_a_json_message_with_more_fields_is_read() -> None:
    [heartbeat] = decode_messages(b'[{"type":"heartbeat","server_time":1,"books":{},"new":2}]', Encoding.JSON)
    assert heartbeat == Heartbeat(1, {})


@pytest.mark.parametrize("data", [b"", b"[", b'[{"type":"heartbeat"}]', b"[[8]]", b"[null]", b"\xff"])
def test_a_json_frame_that_breaks_the_protocol_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_messages(data, Encoding.JSON)


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
