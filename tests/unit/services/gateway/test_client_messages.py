"""A client's fragments become messages, or one refusal, or the end of the connection."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding
from services.gateway.client_messages import FRAGMENTS_MAX, INVALID_DATA, BrokenMessage, ClientMessages, RefusedMessage

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT


def outcomes(encoding: Encoding, *frames: tuple[Opcode, bytes, bool]) -> list[object]:
    messages = ClientMessages(encoding)
    return [messages.receive(Frame(opcode, data, fin)) for opcode, data, fin in frames]


def test_fragments_are_one_message() -> None:
    found = outcomes(Encoding.MSGPACK, (BINARY, b"a", False), (CONT, b"", False), (CONT, b"bc", True))
    assert found == [None, None, b"abc"]


def test_the_tail_of_a_refused_message_is_discarded() -> None:
    """It was carried out: a refused text frame, continued by an order in msgpack, was that order."""
    first, tail, after = outcomes(Encoding.MSGPACK, (TEXT, b"", False), (CONT, b"order", True), (BINARY, b"next", True))
    assert isinstance(first, RefusedMessage)
    assert "text frames are not understood" in first.text
    assert (tail, after) == (None, b"next")


def test_nothing_of_a_refused_message_is_held() -> None:
    messages = ClientMessages(Encoding.JSON)
    messages.receive(Frame(BINARY, b"x", fin=False))
    for _ in range(FRAGMENTS_MAX - 1):
        assert messages.receive(Frame(CONT, bytes(1000), fin=False)) is None
    assert messages._fragments == []


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_the_fragments_of_a_message_are_bounded_whatever_they_hold(opcode: Opcode) -> None:
    """3,000,000 empty ones were one message of no bytes, which no limit of bytes refuses."""
    for encoding in Encoding:
        frames = [(opcode, b"", False), *[(CONT, b"", False)] * FRAGMENTS_MAX]
        *before, last = outcomes(encoding, *frames)
        assert all(not isinstance(each, BrokenMessage) for each in before)
        assert last == BrokenMessage(CloseCode.RATE, f"a message may have {FRAGMENTS_MAX} fragments")


def test_the_bound_is_of_one_message() -> None:
    message = [(TEXT, b"a", False), *[(CONT, b"", False)] * (FRAGMENTS_MAX - 2), (CONT, b"b", True)]
    assert outcomes(Encoding.JSON, *message, *message).count(b"ab") == 2


@pytest.mark.parametrize(
    "fragments",
    [(b"\xce", b"\xba\xff"), (b"\xed\xa0\x80",), (b"\xf4\x90",), (b"a", b"\xc3"), (b"\xce\xba", b"\xba")],
    ids=["no continuation", "surrogate", "above U+10FFFF", "cut short", "continuation of nothing"],
)
def test_a_text_that_is_no_utf8_breaks_the_connection_at_its_fragment(fragments: tuple[bytes, ...]) -> None:
    frames = [(TEXT if at == 0 else CONT, data, False) for at, data in enumerate(fragments[:-1])]
    last = (TEXT if not frames else CONT, fragments[-1], True)
    *before, end = outcomes(Encoding.JSON, *frames, last)
    assert end == BrokenMessage(INVALID_DATA, "the text is no UTF-8")
    assert all(not isinstance(each, BrokenMessage) for each in before)


def test_where_no_text_is_understood_one_that_is_no_utf8_breaks_the_connection_too() -> None:
    assert outcomes(Encoding.MSGPACK, (TEXT, b"\xff", True)) == [BrokenMessage(INVALID_DATA, "the text is no UTF-8")]


def test_letters_may_be_cut_between_fragments() -> None:
    data = "κόσμε €𐍈".encode()
    frames = [(TEXT if at == 0 else CONT, data[at : at + 1], at == len(data) - 1) for at in range(len(data))]
    assert outcomes(Encoding.JSON, *frames)[-1] == data


def test_binary_messages_may_hold_anything() -> None:
    assert outcomes(Encoding.MSGPACK, (BINARY, b"\xff", False), (CONT, b"\xfe", True)) == [None, b"\xff\xfe"]
