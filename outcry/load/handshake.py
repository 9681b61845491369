"""The WebSocket opening handshake of a client, as bytes. Source: RFC 6455, section 4.1."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import MalformedMessage

RESPONSE_BYTES_MAX: Final = 8192
_END: Final = b"\r\n\r\n"
_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def opening_request(host: str, path: str, token: str, key: bytes) -> bytes:
    """
    Build the request.

    Args:
        host: `name:port`.
        path: Such as /v1/stream.
        token: Sent as a bearer token.
        key: 16 random bytes.
    """
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(key).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {Encoding.MSGPACK.value}",
        f"Authorization: Bearer {token}",
    )
    return "\r\n".join(lines).encode() + _END


def opening_response(received: bytes, key: bytes) -> bytes | None:
    """
    Check the response.

    Args:
        received: All bytes so far.
        key: The request's.

    Returns:
        The bytes after the response, or None if it has not come whole.

    Raises:
        MalformedMessage: If the server refused, or is no WebSocket server; the text is its status line.
    """
    head, found, rest = received.partition(_END)
    if not found:
        if len(received) > RESPONSE_BYTES_MAX:
            raise MalformedMessage(f"no end of the response in {RESPONSE_BYTES_MAX} bytes")
        return None
    status, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    accept = base64.b64encode(hashlib.sha1(base64.b64encode(key) + _MAGIC).digest()).decode()  # noqa: S324 - the RFC's
    if status.split(" ")[1:2] != ["101"]:
        raise MalformedMessage(f"refused: {status} {rest[:200].decode('utf-8', 'replace')}".rstrip())
    if headers.get("sec-websocket-accept") != accept:
        raise MalformedMessage("no WebSocket server: wrong Sec-WebSocket-Accept")
    return rest
