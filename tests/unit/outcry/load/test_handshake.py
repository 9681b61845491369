from __future__ import annotations

import base64

import pytest

from openoutcry.wire.errors import MalformedMessage
from outcry.load.handshake import RESPONSE_BYTES_MAX, opening_request, opening_response

KEY = base64.b64decode("dGhlIHNhbXBsZSBub25jZQ==")
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def test_asks_for_the_protocol_as_a_user() -> None:
    lines = opening_request("localhost:8101", "/v1/stream", "token", KEY).decode().split("\r\n")
    assert lines[0] == "GET /v1/stream HTTP/1.1"
    assert "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" in lines
    assert "Sec-WebSocket-Protocol: openoutcry.v1.msgpack" in lines
    assert "Authorization: Bearer token" in lines
    assert lines[-2:] == ["", ""]


def test_what_follows_the_response_is_the_first_frame() -> None:
    """The RFC's own example; a server may send its first frame in the same packet."""
    assert opening_response(RESPONSE, KEY) == b""
    assert opening_response(RESPONSE + b"\x82\x01\x90", KEY) == b"\x82\x01\x90"


def test_waits_for_the_whole_response() -> None:
    assert opening_response(RESPONSE[:-1], KEY) is None


def test_a_refusal_is_told_in_the_servers_words() -> None:
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 14\r\n\r\ntoken: expired"
    with pytest.raises(MalformedMessage, match="401 Unauthorized token: expired"):
        opening_response(refusal, KEY)


def test_a_wrong_answer_to_the_key_is_no_websocket_server() -> None:
    with pytest.raises(MalformedMessage, match="Accept"):
        opening_response(RESPONSE, b"another key 1234")


def test_an_endless_response_is_cut_off() -> None:
    with pytest.raises(MalformedMessage, match="no end"):
        opening_response(b"x" * (RESPONSE_BYTES_MAX + 1), KEY)
