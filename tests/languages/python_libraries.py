"""Prints the rows of libraries for Python: of docs/numbers.md, and with a port those of docs/protocol.md's closes."""

from __future__ import annotations

import asyncio
import importlib.metadata
import socket
import sys
from typing import Any

import msgspec
import ormsgpack
import picows
import wsproto
import wsproto.events

TIME = 1_796_000_000_000_000
KINDS = {0xCB: "float64", 0xCE: "uint32", 0xCF: "uint64", 0xD3: "int64"}
WAYS = ("4500", "no-code", "cut", "none", "other")
SUBPROTOCOL = "openoutcry.v1.msgpack"


def row(name: str, *cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, (name, *cells)))} |\n")


def numbers(name: str, encode: Any, decode: Any) -> None:
    read = decode(b"\xcf" + TIME.to_bytes(8))
    assert read == TIME
    version = importlib.metadata.version(name)
    row(f"{name} {version} (Python)", type(read).__name__, *(KINDS[encode(number)[0]] for number in (2**31, TIME)))


class Listener(picows.WSListener):  # type: ignore[misc]  # it is installed where this runs
    """Notes the code of a close frame, None without one."""

    code: int | None = None
    heard = False

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            self.code = int(frame.get_close_code())
        self.heard = True
        transport.disconnect()


async def picows_cell(port: str, way: str) -> str:
    headers = {"Sec-WebSocket-Protocol": SUBPROTOCOL}
    url = f"ws://127.0.0.1:{port}/{way}"
    async with asyncio.timeout(5):
        transport, listener = await picows.ws_connect(Listener, url, extra_headers=headers)
        await transport.wait_disconnected()
    if way in ("none", "other"):
        return f"opened, {transport.response.headers.get('Sec-WebSocket-Protocol')}"
    return str(listener.code)


def wsproto_cell(port: str, way: str) -> str:
    peer = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    with socket.create_connection(("127.0.0.1", int(port)), 5) as line:
        line.sendall(peer.send(wsproto.events.Request(host="127.0.0.1", target=f"/{way}", subprotocols=[SUBPROTOCOL])))
        while True:
            data = line.recv(4096)
            try:
                peer.receive_data(data or None)
            except wsproto.utilities.RemoteProtocolError:
                return "refused"
            for event in peer.events():
                if isinstance(event, wsproto.events.AcceptConnection) and way in ("none", "other"):
                    return f"opened, {event.subprotocol}"
                if isinstance(event, wsproto.events.CloseConnection):
                    return str(int(event.code))


numbers("ormsgpack", ormsgpack.packb, ormsgpack.unpackb)
numbers("msgspec", msgspec.msgpack.encode, msgspec.msgpack.decode)
if len(sys.argv) > 1:
    port = sys.argv[1]
    row(f"picows {importlib.metadata.version('picows')}", *(asyncio.run(picows_cell(port, way)) for way in WAYS))
    row(f"wsproto {importlib.metadata.version('wsproto')}", *(wsproto_cell(port, way) for way in WAYS))
