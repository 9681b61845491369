"""One WebSocket connection, as bytes: any handshake, any frame, and reading only when asked to.

Reads a server's frames by the Sans-I/O core of `websockets`. Sends any bytes that a check gives, right or wrong.
Nothing is read in the background beyond a few KiB, so a check that stops reading is a client that stops reading.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from outcry.conformance.expectation import Failed

CONNECT_S: Final = 5.0
"""Time for TCP and TLS."""
CLOSE_S: Final = 2.0
"""Time for a server to answer a close; then the connection is aborted."""
READ_BYTES: Final = 64 * 1024
NO_CODE: Final = 1006
"""How the end of a connection without a close frame is reported."""

_DATA: Final = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class WireEnding(NamedTuple):
    """How a connection ended."""

    code: int
    """1006 if there was no close frame."""
    reason: str


class Wire:
    """
    A connection whose handshake has been answered; see `open_wire`.

    Args:
        protocol: Understands the server.
        reader: Bytes in.
        writer: Bytes out.
    """

    def __init__(self, protocol: ClientProtocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.protocol: Final = protocol
        self.response: Response | None = None
        self.controls: list[Frame] = []
        """Pings, pongs and closes from the server, in order."""
        self.ending: WireEnding | None = None
        """None while the connection lives."""
        self._early: list[Frame] = []
        self._reader: Final = reader
        self._writer: Final = writer

    @property
    def status(self) -> int:
        """HTTP status of the server's answer to the handshake."""
        assert self.response is not None
        return self.response.status_code

    @property
    def is_open(self) -> bool:
        """Whether the handshake succeeded and the connection lives."""
        return self.protocol.state is State.OPEN and self.ending is None

    async def send(self, data: bytes) -> None:
        """Send bytes as they are; to a connection that has ended, nothing."""
        if self.ending is None:
            self._writer.write(data)
            with contextlib.suppress(ConnectionError):  # the end is seen, and told, by whoever reads
                await self._writer.drain()

    async def frames(self) -> list[Frame]:
        """
        Read once, and return the data frames that came; none when the connection has ended.

        Raises:
            Failed: If the server breaks the WebSocket protocol.
        """
        if self._early or self.ending is not None:
            early, self._early = self._early, []
            return early
        return await self._read()

    async def shake_hands(self) -> None:
        """Read until the handshake is answered; what comes with the answer is kept."""
        while self.response is None and self.ending is None:
            self._early += await self._read()

    async def _read(self) -> list[Frame]:
        try:
            data = await self._reader.read(READ_BYTES)
        except ConnectionError:
            data = b""
        if data:
            self.protocol.receive_data(data)
        else:
            self._end()
        return self._received()

    async def shut(self) -> None:
        """Close as a decent client does; abort if the server does not answer."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    if self.is_open:
                        self.protocol.send_close(1000)
                        self._flush()
                    while self.ending is None:
                        await self.frames()
        finally:
            self.abort()

    def abort(self) -> None:
        """End the connection without a word."""
        self._writer.transport.abort()

    def _received(self) -> list[Frame]:
        frames: list[Frame] = []
        for event in self.protocol.events_received():
            if isinstance(event, Response):
                self.response = event
            elif isinstance(event, Frame):
                (frames if event.opcode in _DATA else self.controls).append(event)
        self._flush()
        if self.protocol.parser_exc is not None and self.protocol.close_sent is not None:
            wrong = self.protocol.parser_exc
            if not isinstance(wrong, EOFError):
                raise Failed(f"the server broke the WebSocket protocol: {wrong}")
        return frames

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data and not self._writer.is_closing():
                self._writer.write(data)

    def _end(self) -> None:
        with contextlib.suppress(EOFError):
            self.protocol.receive_eof()
        close = self.protocol.close_rcvd
        self.ending = WireEnding(close.code, close.reason) if close is not None else WireEnding(NO_CODE, "")


async def open_wire(
    url: str,
    *,
    subprotocols: Sequence[str],
    headers: Mapping[str, str],
    offers_compression: bool = False,
    receive_bytes: int | None = None,
) -> Wire:
    """
    Connect, ask for the upgrade, and return when it was granted or refused.

    Args:
        url: A gateway's.
        subprotocols: To offer.
        headers: To add.
        offers_compression: Whether to offer permessage-deflate.
        receive_bytes: Size of the kernel's receive buffer; small ones make slow readers.

    Raises:
        Failed: If nothing listens, or what answers is no HTTP server.
    """
    uri = parse_uri(url)
    protocol = ClientProtocol(
        uri,
        subprotocols=cast("Sequence[Subprotocol]", subprotocols) or None,
        extensions=[ClientPerMessageDeflateFactory()] if offers_compression else None,
        max_size=None,
    )
    async with asyncio.timeout(CONNECT_S):
        reader, writer = await _connect(uri, receive_bytes)
    wire = Wire(protocol, reader, writer)
    request = protocol.connect()
    for name, value in headers.items():
        request.headers[name] = value
    protocol.send_request(request)
    await wire.send(b"".join(protocol.data_to_send()))
    await wire.shake_hands()
    if wire.response is None:
        wire.abort()
        raise Failed(f"{url} did not answer the handshake")
    return wire


async def _connect(uri: WebSocketURI, receive_bytes: int | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    tls = ssl.create_default_context() if uri.secure else None
    try:
        family, kind, proto, _, address = (await loop.getaddrinfo(uri.host, uri.port, type=socket.SOCK_STREAM))[0]
        with contextlib.ExitStack() as undo:
            sock = undo.enter_context(socket.socket(family, kind, proto))
            sock.setblocking(False)  # noqa: FBT003
            if receive_bytes is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            await loop.sock_connect(sock, address)
            limit = receive_bytes or READ_BYTES
            name = uri.host if tls else None
            streams = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=name, limit=limit)
            undo.pop_all()
            return streams
    except OSError as error:
        raise Failed(f"cannot connect to {uri.host}:{uri.port}: {error}") from error
