"""Bytes from anywhere: whoever decodes them gets a value or one documented error, nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.codec import Encoding, decode_messages, encode_messages
from openoutcry.wire.errors import InvalidRequest, MalformedMessage
from openoutcry.wire.messages import MESSAGE_TYPES
from services.gateway.request_map import decode_map
from services.gateway.requests import REQUEST_TYPES, decode_request
from shared.logs.commands import decode_commands
from shared.logs.packet import PACKET_VERSION, FeedId, decode_packet
from shared.logs.snapshots import SNAPSHOT_VERSION, decode_accounts, decode_book_state, decode_listing
from tools.reference.vectors import MESSAGES, REQUESTS

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["ACME", "bid", "limit", "gtc", "cancel_newest", "open", "book", "*"]),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
values = st.recursive(
    scalars | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
encodings = st.sampled_from(list(Encoding))

MESSAGE_OBJECTS = json.loads(encode_messages(MESSAGES.values(), Encoding.JSON))
MESSAGE_ROWS = msgpack.unpackb(encode_messages(MESSAGES.values(), Encoding.MSGPACK))


def pack(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value)
    return packed


def rows(codes: st.SearchStrategy[Any], lengths: int) -> st.SearchStrategy[bytes]:
    """Arrays of rows that begin like real ones: a known code, then anything."""
    row = st.tuples(codes, st.lists(values, max_size=lengths)).map(lambda parts: [parts[0], *parts[1]])
    return st.lists(row | values, max_size=3).map(pack)


@st.composite
def damaged_rows(draw: st.DrawFn) -> bytes:
    """A real message with one field replaced, cut short or made longer."""
    row = list(draw(st.sampled_from(MESSAGE_ROWS)))
    at = draw(st.integers(0, len(row) - 1))
    row[at] = draw(values)
    return pack([row[: draw(st.integers(0, len(row)))] + draw(st.lists(values, max_size=2))])


@st.composite
def damaged_objects(draw: st.DrawFn, objects: list[dict[str, Any]]) -> dict[str, Any]:
    """A real JSON object with one field replaced, and perhaps one missing."""
    fields = dict(draw(st.sampled_from(objects)))
    fields[draw(st.sampled_from(sorted(fields)))] = draw(json_values)
    fields.pop(draw(st.sampled_from([*sorted(fields), ""])), None)
    return fields


@given(st.binary(max_size=64) | rows(st.sampled_from(list(MESSAGE_TYPES)), 17) | damaged_rows())
def test_any_msgpack_decodes_to_messages_or_is_malformed(data: bytes) -> None:
    try:
        messages = decode_messages(data, Encoding.MSGPACK)
    except MalformedMessage:
        return
    assert all(type(message) in MESSAGE_TYPES.values() for message in messages)


@given(
    st.binary(max_size=64)
    | st.text(max_size=64).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.lists(damaged_objects(MESSAGE_OBJECTS), max_size=2).map(lambda value: json.dumps(value).encode())
)
def test_any_json_decodes_to_messages_or_is_malformed(data: bytes) -> None:
    try:
        messages = decode_messages(data, Encoding.JSON)
    except MalformedMessage:
        return
    assert all(type(message) in MESSAGE_TYPES.values() for message in messages)


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        (pack({}), Encoding.MSGPACK),
        (pack("abc"), Encoding.MSGPACK),
        (pack([b"\x01" * 9]), Encoding.MSGPACK),
        (pack(["x"]), Encoding.MSGPACK),
        (b"{}", Encoding.JSON),
        (b'""', Encoding.JSON),
        (b'{"type":"ping"}', Encoding.JSON),
    ],
)
def test_what_is_no_array_of_arrays_is_malformed(payload: bytes, encoding: Encoding) -> None:
    """Found by these tests: an empty map passed for a frame without messages, a byte string for a message."""
    with pytest.raises(MalformedMessage):
        decode_messages(payload, encoding)


@given(st.binary(max_size=64), encodings)
def test_any_bytes_are_a_map_or_malformed(data: bytes, encoding: Encoding) -> None:
    try:
        found = decode_map(data, encoding)
    except MalformedMessage:
        return
    assert isinstance(found, dict)


@st.composite
def near_requests(draw: st.DrawFn) -> dict[str, Any]:
    """Requests with the right names and, mostly, wrong values."""
    fields: dict[str, Any] = draw(damaged_objects(list(REQUESTS.values())))
    if draw(st.booleans()):
        fields["op"] = draw(st.sampled_from(list(REQUEST_TYPES)))
    return fields


def check_request(data: bytes, encoding: Encoding) -> None:
    refusal: InvalidRequest | None = None
    try:
        assert type(decode_request(data, encoding)) in REQUEST_TYPES.values()
    except InvalidRequest as error:
        refusal = error
    assert refusal is None or (refusal.code and refusal.text)


@given(st.binary(max_size=64), encodings)
def test_any_bytes_are_a_request_or_refused_with_a_sentence(data: bytes, encoding: Encoding) -> None:
    check_request(data, encoding)


@given(near_requests())
def test_almost_requests_are_refused_with_a_sentence_in_both_encodings(fields: dict[str, Any]) -> None:
    check_request(pack(fields), Encoding.MSGPACK)
    check_request(json.dumps(fields).encode(), Encoding.JSON)


@given(st.binary(max_size=64) | rows(st.integers(0, 16), 14))
def test_any_bytes_are_commands_or_malformed(data: bytes) -> None:
    """A reader of the command log counts on this error alone to name the corrupt entry."""
    with suppress(MalformedMessage):
        decode_commands(data)


@given(
    st.binary(max_size=64)
    | values.map(pack)
    | st.lists(values, max_size=16).map(lambda fields: pack([PACKET_VERSION, *fields]))
    | st.lists(st.lists(values, max_size=3), min_size=14, max_size=16).map(lambda all_: pack([PACKET_VERSION, *all_]))
)
def test_any_bytes_are_a_packet_or_malformed(data: bytes) -> None:
    """A reader of the feed counts on this error alone to name the corrupt entry."""
    with suppress(MalformedMessage):
        decode_packet(data)


@pytest.mark.parametrize("decode", [decode_book_state, decode_listing, decode_accounts])
@given(
    data=st.binary(max_size=64)
    | values.map(pack)
    | (st.lists(values, max_size=21) | values).map(lambda content: pack([SNAPSHOT_VERSION, content]))
    | st.lists(st.lists(values, max_size=4), max_size=3).map(lambda content: pack([SNAPSHOT_VERSION, content]))
)
def test_any_bytes_are_a_snapshot_or_malformed(decode: Any, data: bytes) -> None:
    with suppress(MalformedMessage):
        decode(data)


@given(st.text(max_size=12) | st.binary(max_size=12))
def test_any_text_is_a_feed_id_or_malformed(text: str | bytes) -> None:
    with suppress(MalformedMessage):
        FeedId.parse(text)


@given(st.lists(st.sampled_from(sorted(MESSAGES)), max_size=5), encodings)
def test_frames_of_many_messages_survive_the_round_trip(names: list[str], encoding: Encoding) -> None:
    encoded = encode_messages([MESSAGES[name] for name in names], encoding)
    assert encode_messages(decode_messages(encoded, encoding), encoding) == encoded


@given(st.sampled_from(MESSAGE_ROWS), st.lists(values, max_size=3), st.integers(16, 10_000))
def test_new_fields_and_new_types_are_left_out(row: list[Any], more: list[Any], new_type: int) -> None:
    """Compatibility: a later minor version adds at the end, and today's readers go on."""
    frame = pack([[new_type, *more], [*row, *more]])
    assert encode_messages(decode_messages(frame, Encoding.MSGPACK), Encoding.MSGPACK) == pack([row])
