"""The floods: what is sent, by whom, over and over."""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.request_limits import INSTRUMENTS_IN_REQUEST_MAX, REQUEST_BYTES_MAX
from shared.websocket_frame import BINARY, FIN, PING, PONG, TEXT, client_frame

CONTINUATION: Final = 0x0
MASK: Final = b"\x01\x80\xff\x37"
CHUNK_BYTES: Final = 256 * 1024
"""What is written at once."""


class Kind(NamedTuple):
    """A flood."""

    title: str
    frame: bytes = b""
    """Sent over and over behind a handshake; empty: there is none, and handshakes are the flood."""
    first: bytes = b""
    """Sent before it, once a connection."""
    has_token: bool = False
    is_good_token: bool = True
    connections: int = 4
    ends_request: bool = True
    """Whether the HTTP request is ever whole."""
    path: str = "/v1/stream"

    @property
    def chunk(self) -> bytes:
        """What is written at once."""
        return self.frame * max(1, CHUNK_BYTES // max(1, len(self.frame)))


def _fragment(payload: bytes, opcode: int) -> bytes:
    """Return a frame that does not end its message."""
    frame = client_frame(payload, opcode, MASK)
    return bytes([frame[0] & ~FIN]) + frame[1:]


def _request(**fields: object) -> bytes:
    return client_frame(encode_request(fields, Encoding.MSGPACK), BINARY, MASK)


_WRONG: Final = _request(
    op="subscribe",
    id=1,
    channel="book",
    instruments=[f"wrong {number}" for number in range(INSTRUMENTS_IN_REQUEST_MAX)],
    resume={f"wrong {number}": "none" for number in range(INSTRUMENTS_IN_REQUEST_MAX)},
)
"""As many faults as lists within their limits have room for: each is found, and made a sentence of or not."""

KINDS: Final[dict[str, Kind]] = {
    "nothing": Kind("nothing", connections=0),
    "pings": Kind("empty pings, no token", client_frame(b"", PING, MASK)),
    "pongs": Kind("unasked pongs, no token", client_frame(b"", PONG, MASK)),
    "continuations": Kind(
        "empty continuation fragments, no token", _fragment(b"", CONTINUATION), first=_fragment(b"", BINARY)
    ),
    "fragments": Kind(
        "fragments of one byte", _fragment(b"x", CONTINUATION), first=_fragment(b"x", BINARY), has_token=True
    ),
    "other-opcode": Kind("text where msgpack is spoken", client_frame(b"x", TEXT, MASK), has_token=True),
    "garbage": Kind("garbage before login", client_frame(b"\xc1garbage", BINARY, MASK)),
    "requests": Kind("valid requests (ping)", _request(op="ping", id=1), has_token=True),
    "orders": Kind("valid requests (cancel)", _request(op="cancel", id=1, order_id=1), has_token=True),
    "large": Kind("requests of 16 KiB", client_frame(bytes(REQUEST_BYTES_MAX), BINARY, MASK), has_token=True),
    "wrong": Kind("requests that are wrong in 512 places", _WRONG, has_token=True),
    "too-large": Kind("requests of 200 KiB", client_frame(bytes(200 * 1024), BINARY, MASK), has_token=True),
    "crowd": Kind(
        "valid requests on 64 connections of 8 users", _request(op="ping", id=1), has_token=True, connections=64
    ),
    "pings-of-many": Kind("empty pings on 64 connections, no token", client_frame(b"", PING, MASK), connections=64),
    "wrong-tokens": Kind("handshakes with wrong tokens", has_token=True, is_good_token=False, connections=64),
    "strangers": Kind("handshakes without a token", connections=64),
    "good-tokens": Kind("handshakes with good tokens of 8 users", has_token=True, connections=64),
    "pages": Kind("requests of /metrics", connections=64, path="/metrics"),
    "half": Kind("HTTP requests that never end", connections=64, ends_request=False),
}
