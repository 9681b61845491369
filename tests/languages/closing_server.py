"""A WebSocket server that ends in five ways, by the path asked for; its own bytes, so that no library is judge."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Final

SUBPROTOCOL: Final = "openoutcry.v1.msgpack"
WAYS: Final = ("4500", "no-code", "cut", "none", "other")
"""Paths: a close with 4500, one without a code, no close frame; and handshakes that name no subprotocol, or another."""
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NAMED: Final = {"none": "", "other": "Sec-WebSocket-Protocol: chat\r\n"}
_SAID: Final = {
    "4500": b"\x88\x04\x11\x94no",
    "no-code": b"\x88\x00",
    "none": b"\x82\x01\x90",
    "other": b"\x82\x01\x90",
}
_PATIENCE_S: Final = 1.0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet one client, and end in the way that its path names."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    way = head.split(" ")[1].strip("/")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n") if ": " in line)
    key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    assert SUBPROTOCOL in fields["sec-websocket-protocol"]
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()
    named = _NAMED.get(way, f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n")
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n{named}\r\n".encode()
    )
    await writer.drain()
    await asyncio.sleep(0.2)  # so that none reads both at once
    writer.write(_SAID.get(way, b""))
    if way != "cut":
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await reader.read(100)
        except (TimeoutError, ConnectionError):
            pass  # it has answered or not: it is the other side that is looked at
    writer.close()
