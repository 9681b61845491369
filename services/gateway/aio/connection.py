"""One socket: HTTP handshake and WebSocket frames in, finished frames out.

A plain asyncio protocol around the Sans-I/O core of `websockets`, with no task, queue or timer of its own: 10,000
idle connections cost memory and nothing else. Incoming frames go through that core; outgoing data frames are
finished already and go straight to the transport.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final, cast

from websockets.exceptions import NegotiationError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from services.gateway.authentication import AuthenticationFailed
from shared.close_codes import CloseCode
from shared.codec import SUBPROTOCOLS, Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.gateway.aio.server import GatewayServer
    from services.gateway.gateway import Client

STREAM_PATH: Final = "/v1/stream"
FRAME_BYTES_MAX: Final = 256 * 1024
"""Incoming frames beyond this end the connection (1009); below it and above the request limit they get a reply."""
CLOSE_S: Final = 2.0
"""Time for the peer to answer a close; then the connection is aborted."""
HANDSHAKE_S: Final = 10.0
"""Time for the peer to send its HTTP request; then the connection is aborted."""


class ClientConnection(asyncio.Protocol):
    """
    A client's connection.

    Args:
        server: The gateway's shell; owns core and clock.
    """

    __slots__ = ("_client", "_deadline", "_fragments", "_server", "_transport", "_user", "_websocket", "write")

    def __init__(self, server: GatewayServer) -> None:
        self._server = server
        self._client: Client | None = None
        self._fragments: list[bytes] = []
        self._user = ""
        self._websocket = _StreamProtocol(
            subprotocols=cast("Sequence[Subprotocol]", SUBPROTOCOLS),
            max_size=FRAME_BYTES_MAX,
            logger=server.websocket_log,
        )

    # -- asyncio's side ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the transport tells us when more than the soft limit is unsent."""
        self._transport = cast("asyncio.Transport", transport)
        self.write = self._transport.write
        """Send finished frames; never wait. The transport's own method: it is called for every delivery."""
        soft = self._server.gateway.limits.lag.soft_bytes
        self._transport.set_write_buffer_limits(high=soft, low=soft // 4)
        self._deadline: asyncio.TimerHandle | None = self._server.loop.call_later(HANDSHAKE_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take bytes as they came."""
        websocket = self._websocket
        websocket.receive_data(data)
        for event in websocket.events_received():
            if isinstance(event, Request):
                self._shake_hands(event)
            else:
                self._receive_frame(cast("Frame", event))
        self._send_control()

    def eof_received(self) -> None:
        """Let the transport close: there is nothing left to hear."""
        self._websocket.receive_eof()

    def pause_writing(self) -> None:
        """Skip this client until it has drained; called within `write`, at the soft limit."""
        if self._client is not None:
            self._server.gateway.service.review(self._client.subscriber, self._server.now())

    def resume_writing(self) -> None:
        """Give this client fresh state: it has drained."""
        self.pause_writing()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget this client, and cut the circles of references: nobody need search for what has ended."""
        self._cancel_deadline()
        if self._client is not None:
            self._server.gateway.lost(self._client)
            self._client = None
        self._websocket.parser.close()

    # -- the core's side --------------------------------------------------------------------------------------------

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are not yet sent."""
        return self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """End the connection at once: its peer does not read."""
        session = self._client.session if self._client is not None else None
        self._server.log.warning(
            "slow consumer aborted",
            code=int(CloseCode.SLOW_CONSUMER),
            session=session and session.session_id,
            user=session and session.user,
            unsent_bytes=self._transport.get_write_buffer_size(),
        )
        self._transport.abort()

    def close(self, code: CloseCode, text: str) -> None:
        """Send a close frame, and end the connection when the peer has answered or `CLOSE_S` is over."""
        if self._websocket.state is State.OPEN:
            self._websocket.send_close(code, text[:120])
            self._send_control()
            self._deadline = self._server.loop.call_later(CLOSE_S, self._transport.abort)

    # -- private ----------------------------------------------------------------------------------------------------

    def _shake_hands(self, request: Request) -> None:
        response = self._answer(request)
        self._websocket.send_response(response)
        self._send_control()
        self._cancel_deadline()
        if response.status_code != 101:
            return
        encoding = Encoding(self._websocket.subprotocol)
        now, time_us = self._server.now(), self._server.time_us()
        self._client = self._server.gateway.open(secrets.token_hex(6), encoding, self, self._user, now, time_us)

    def _answer(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        if path != STREAM_PATH:
            return self._server.health.answer(path, self._websocket)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            try:
                if scheme.lower() != "bearer":
                    raise AuthenticationFailed("Authorization must be: Bearer <token>", CloseCode.NOT_AUTHENTICATED)
                self._user = self._server.gateway.authenticate(token.strip(), self._server.time_us() / 1e6)
            except AuthenticationFailed as failure:
                response = self._websocket.reject(401, f"{failure.text}\n")
                response.headers["WWW-Authenticate"] = "Bearer"
                return response
        return self._websocket.accept(request)

    def _receive_frame(self, frame: Frame) -> None:
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT} or self._client is None:
            return  # the protocol core answers pings and closes
        if frame.opcode is not Opcode.CONT and not self._opcode_fits(frame.opcode):
            self._refuse_opcode(frame.opcode)
            return
        if frame.fin and not self._fragments:
            payload = bytes(frame.data)
        else:
            self._fragments.append(bytes(frame.data))
            if not frame.fin:
                return
            payload = b"".join(self._fragments)
            self._fragments.clear()
        server = self._server
        server.gateway.receive(self._client, payload, server.now(), server.time_us())
        server.command_writer.wake()

    def _opcode_fits(self, opcode: Opcode) -> bool:
        assert self._client is not None
        wanted = Opcode.BINARY if self._client.session.encoding is Encoding.MSGPACK else Opcode.TEXT
        return opcode is wanted

    def _refuse_opcode(self, opcode: Opcode) -> None:
        assert self._client is not None
        spoken = self._client.session.encoding.value
        text = f"this connection speaks {spoken}; {opcode.name.lower()} frames are not understood"
        self._server.gateway.refuse_frame(self._client, text, self._server.now(), self._server.time_us())

    def _send_control(self) -> None:
        for data in self._websocket.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.close()
        if self._websocket.close_expected() and self._deadline is None:
            self._deadline = self._server.loop.call_later(CLOSE_S, self._transport.abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _StreamProtocol(ServerProtocol):
    """Insists on one of our subprotocols; a function passed for that would be bound in a circle of references."""

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol:
        for subprotocol in SUBPROTOCOLS:
            if subprotocol in subprotocols:
                return Subprotocol(subprotocol)
        names = ", ".join(subprotocols) or "none"
        raise NegotiationError(
            f"the client must offer one of the subprotocols {', '.join(SUBPROTOCOLS)}; it offered {names}"
        )
