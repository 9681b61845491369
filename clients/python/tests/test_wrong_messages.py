"""A server that says every field of every message wrongly: the session raises nothing, and leaves it with 4003."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest

from conversation import Conversation
from openoutcry.events import CloseRequired
from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.messages import Message
from vectors import MESSAGES

WRONG: list[Any] = [
    None, True, -1, 1, 1.5, float("nan"), float("inf"), -(2**63), 2**53, 2**64 - 1, "", "x", "9" * 5_000, "0.000000",
    [], [[]], [1], [[1]], [[0, 1]], [[1, -1]], [[1, 2**32]], [[2**31, 1]], [["1", "1"]], [[1.0, 1.0]], {}, {"ACME": -1},
    {"ACME": 2**63}, {"ACME": None}, {"USD": f"{'9' * 5_000}.000000"}, {"USD": 1}, b"x", msgpack.ExtType(5, b"x"),
]  # fmt: skip


def frames(message: Message, encoding: Encoding) -> list[bytes]:
    """Return frames of this message, each with one field that is wrong, or missing with all behind it."""
    frame = encode_messages([message], encoding)
    if encoding is Encoding.JSON:
        [fields] = json.loads(frame)
        rows: list[Any] = [fields | {name: value} for name in fields for value in WRONG if not isinstance(value, bytes)]
        rows = [row for row in rows if msgpack.ExtType(5, b"x") not in row.values()]
        return [json.dumps([row]).encode() for row in rows]
    [row] = msgpack.unpackb(frame)
    places = range(len(row))
    wrong = [[*row[:at], value, *row[at + 1 :]] for at in places for value in WRONG] + [row[:at] for at in places]
    return [msgpack.packb([each]) for each in wrong]


@pytest.mark.parametrize("name", sorted(MESSAGES))
@pytest.mark.parametrize("encoding", Encoding, ids=lambda encoding: encoding.name.lower())
def test_a_wrong_field_costs_the_connection_at_most(name: str, encoding: Encoding) -> None:
    """Cash of 5,000 digits, which Python refuses to read, ended the market with an ExceptionGroup."""
    talk = Conversation(encoding)
    talk.open()
    talk.session.follow_book("ACME", 0, 0, talk.now)
    talk.session.follow_account(talk.now)
    for frame in frames(MESSAGES[name], encoding):
        talk.session.receive(frame, talk.now)
        talk.session.on_deadline(talk.now)
        closes = [event for event in talk.events() if isinstance(event, CloseRequired)]
        assert all(close.code == CloseCode.HEARTBEAT_MISSED for close in closes)
        assert all(len(close.reason) < 300 for close in closes)
        if closes:
            talk.reopen()


@pytest.mark.parametrize("depth", [10, 500, 900, *range(960, 1_030)])
def test_a_value_that_is_nested_without_end_costs_the_connection_only(depth: int) -> None:
    """To show it in the refusal needed more depth than to read it."""
    talk = Conversation()
    talk.session.connected(talk.now)
    nested = b"\x91" * depth + b"\x90"
    talk.session.receive(b"\x91\x97\x01\x01" + nested + b"\xa3ada\x01\x01\x80", talk.now)
    [close] = talk.events()
    assert isinstance(close, CloseRequired)
    assert close.code == CloseCode.HEARTBEAT_MISSED


def test_an_error_s_words_are_bounded_however_long_the_frame_is() -> None:
    """They are kept as the reason of the connection's end: a frame of 64 MB was kept with them."""
    talk = Conversation()
    talk.open()
    talk.session.receive(b"\x90" + b"x" * 1_000_000, talk.now)
    [*_, close] = talk.events()
    assert isinstance(close, CloseRequired)
    assert len(close.reason) < 300


@pytest.mark.parametrize("count", [None, -1, 1.5, "2", True, 2**53])
def test_a_listing_that_is_announced_by_no_number_is_no_listing(count: Any) -> None:
    """What was known before was taken for the answer."""
    talk = Conversation()
    talk.open()
    talk.session.request("instruments")
    [request] = talk.said()
    talk.accept(request, count=count)
    assert CloseRequired in map(type, talk.events())
