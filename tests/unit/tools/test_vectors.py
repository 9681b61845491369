"""The wire vectors are what the code says today, and what it said when other languages' clients were built on them."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest

from openoutcry.wire.codec import Encoding, decode_messages, encode_messages
from openoutcry.wire.digest import book_digest, level_digest, mix
from openoutcry.wire.messages import MESSAGE_TYPES, TYPE_NAMES
from services.gateway.requests import REQUEST_TYPES, decode_request
from tools.reference.vectors import FOLDER, MESSAGES, rendered


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["messages.json", "requests.json", "digest.json"])
def test_vector_files_are_current(name: str) -> None:
    """A changed byte here breaks clients that are out there: run tools.reference.vectors only for a new version."""
    assert (FOLDER / name).read_text(encoding="utf-8") == rendered()[name]


def test_every_message_type_has_a_vector() -> None:
    assert {vector["value"]["type"] for vector in load("messages.json")} == set(TYPE_NAMES.values())
    packed = [bytes.fromhex(vector["msgpack"]) for vector in load("messages.json")]
    assert {msgpack.unpackb(frame)[0][0] for frame in packed} == set(MESSAGE_TYPES)


def test_every_request_has_a_vector() -> None:
    assert {vector["value"]["op"] for vector in load("requests.json")} == set(REQUEST_TYPES)


@pytest.mark.parametrize("vector", load("messages.json"), ids=lambda vector: vector["name"])
def test_decoded_messages_encode_to_the_same_bytes(vector: dict[str, Any]) -> None:
    """Both encodings hold the same value: what is decoded from one encodes to the vector of the other."""
    text, packed = vector["json"].encode(), bytes.fromhex(vector["msgpack"])
    from_json, from_msgpack = decode_messages(text, Encoding.JSON), decode_messages(packed, Encoding.MSGPACK)
    assert encode_messages(from_json, Encoding.MSGPACK) == packed
    assert encode_messages(from_msgpack, Encoding.JSON) == text
    assert [type(message) for message in from_json] == [type(MESSAGES[vector["name"]])]


@pytest.mark.parametrize("vector", load("requests.json"), ids=lambda vector: vector["name"])
def test_requests_decode_alike_from_both_encodings(vector: dict[str, Any]) -> None:
    from_json = decode_request(vector["json"].encode(), Encoding.JSON)
    from_msgpack = decode_request(bytes.fromhex(vector["msgpack"]), Encoding.MSGPACK)
    assert from_json == from_msgpack
    assert from_json.model_dump(mode="json", exclude_unset=True) == vector["value"]


def test_digest_vectors_hold() -> None:
    vectors = load("digest.json")
    assert all(mix(case["x"]) == case["mixed"] for case in vectors["mix"])
    assert all(
        level_digest(case["side"], case["price"], case["quantity"]) == case["digest"] for case in vectors["level"]
    )
    assert all(book_digest(case["bids"], case["asks"]) == case["digest"] for case in vectors["book"])


def test_the_empty_book_digests_to_zero() -> None:
    assert load("digest.json")["book"][0] == {"bids": [], "asks": [], "digest": 0}
