"""One socket: HTTP handshake and WebSocket frames in, finished frames out.

A plain asyncio protocol around the Sans-I/O core of `websockets`, with no task, queue or timer of its own: 10,000
idle connections cost memory and nothing else. Incoming frames go through that core; outgoing data frames are
finished already and go straight to the transport.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from typing import TYPE_CHECKING, Final, cast

from websockets.exceptions import NegotiationError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from services.gateway.authentication import AuthenticationFailed
from services.gateway.client_address import NO_HEADER, Ignored, forwarded_address, read_proxy_header
from services.gateway.client_frames import ClientFrames
from services.gateway.key_ring import KeysAwaited
from services.gateway.subscriber import NO_DESCRIPTOR
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
HEAD_END: Final = b"\r\n\r\n"
"""Ends the HTTP request of a handshake."""
KEYS_RETRY_AFTER_S: Final = 2
"""Time that a client is asked to wait whose token names a key that we do not know yet."""
HANDSHAKE_S: Final = 10.0
"""Time for the peer to send its HTTP request; then the connection is aborted."""


class ClientConnection(asyncio.Protocol):
    """
    A client's connection.

    Args:
        server: The gateway's shell; owns core and clock.
    """

    __slots__ = (
        "_address",
        "_client",
        "_deadline",
        "_descriptor",
        "_fragments",
        "_frames",
        "_head_end",
        "_is_behind",
        "_prologue",
        "_server",
        "_token_ends_at",
        "_transport",
        "_user",
        "_websocket",
    )

    def __init__(self, server: GatewayServer) -> None:
        self._server = server
        self._client: Client | None = None
        self._frames: ClientFrames | None = None
        self._fragments: list[bytes] = []
        self._prologue: bytes | None = b""
        self._head_end = b""
        """The last bytes of the HTTP request so far."""
        self._address = ""
        self._user = ""
        self._token_ends_at = math.inf
        self._websocket = _StreamProtocol(
            subprotocols=cast("Sequence[Subprotocol]", SUBPROTOCOLS),
            max_size=FRAME_BYTES_MAX,
            logger=server.websocket_log,
        )

    # -- asyncio's side ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the transport tells us when anything is unsent, and when nothing is any more."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else ""
        self._transport.set_write_buffer_limits(high=0)
        self._descriptor = _descriptor(transport)
        self._is_behind = False
        self._deadline: asyncio.TimerHandle | None = self._server.loop.call_later(HANDSHAKE_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take bytes as they came."""
        if self._frames is None or self._client is None:
            self._receive_head(data)
            return
        server, client = self._server, self._client
        client.heard_at = now = server.now()
        for cut in self._frames.receive(data):
            if isinstance(cut, bytes):
                server.gateway.receive(client, cut, now, server.time_us())
            elif not self._receive_otherwise(cut.data):
                self._frames.give_up()
                break
        server.command_writer.wake()

    def eof_received(self) -> None:
        """Let the transport close: there is nothing left to hear."""
        self._websocket.receive_eof()
        self._retire()

    def pause_writing(self) -> None:
        """Let nothing overtake what is unsent; called within the transport's `write`."""
        self._is_behind = True
        self._reach()
        self._review()

    def resume_writing(self) -> None:
        """Write straight to the socket again: all is sent."""
        self._server.gateway.end_expired(self._server.now(), self._server.time_us())
        self._is_behind = False
        self._reach()
        self._review()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget this client, and cut the circles of references: nobody need search for what has ended."""
        self._cancel_deadline()
        if self._client is not None:
            self._server.gateway.lost(self._client)  # first of all: its descriptor is about to be another socket's
            session = self._client.session
            self._server.log.info(
                "session closed",
                session=session.session_id,
                user=session.user,
                address=self._address,
                code=self._close_code(),
            )
            self._client = None
        self._websocket.parser.close()

    # -- the core's side --------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send finished frames; never wait."""
        self._transport.write(data)
        if self._is_behind:
            self._review()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are not yet sent."""
        return self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        """Tell whether no more data may be sent."""
        return self._transport.is_closing()

    def abort(self) -> None:
        """End the connection at once: its peer does not read."""
        session = self._client.session if self._client is not None else None
        self._server.log.warning(
            "slow consumer aborted",
            code=int(CloseCode.SLOW_CONSUMER),
            session=session and session.session_id,
            user=session and session.user,
            address=self._address,
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

    def _receive_head(self, data: bytes) -> None:
        """Take bytes up to the end of the handshake, or of a connection that is refused."""
        if self._prologue is not None:
            data = self._take_prologue(self._prologue + data)
        self._websocket.receive_data(data)
        head = self._head_end + data
        self._head_end = head[1 - len(HEAD_END) :]
        for event in self._websocket.events_received():
            if isinstance(event, Request):
                self._shake_hands(event, frames_begin=head.find(HEAD_END) + len(HEAD_END) == len(head))
            else:
                self._receive_frame(cast("Frame", event))
        self._send_control()

    def _receive_otherwise(self, data: bytes) -> bool:
        """Have the library read what is no plain request; False if it ends the conversation, whatever comes behind."""
        self._websocket.receive_data(data)
        for event in self._websocket.events_received():
            self._receive_frame(cast("Frame", event))
        self._send_control()
        return self._websocket.state is State.OPEN

    def _take_prologue(self, data: bytes) -> bytes:
        """Take what a proxy says before HTTP; what is HTTP of it, nothing while it has not come whole."""
        header = read_proxy_header(data)
        if header is None:
            self._prologue = data
            return b""
        self._prologue = None
        if header is not NO_HEADER:
            is_trusted = self._address in self._server.trusted_proxies
            self._believe(header.address if is_trusted else "", header.ignored if is_trusted else Ignored.UNTRUSTED)
        return data[header.size :]

    def _believe(self, address: str, ignored: Ignored | None) -> None:
        self._address = address or self._address
        if ignored is not None:
            self._server.accept_statistics.forwarded_ignored[ignored] += 1

    def _shake_hands(self, request: Request, *, frames_begin: bool) -> None:
        """
        Answer the handshake.

        Args:
            request: As it came.
            frames_begin: Whether nothing has come behind it; else it is the library that has begun to read frames.
        """
        if self._websocket.eof_sent:
            return  # what came behind the request was no frame, so the connection has failed: it is about to be closed
        response = self._answer(request)
        self._websocket.send_response(response)
        self._send_control()
        self._cancel_deadline()
        if response.status_code != 101:
            return
        encoding = Encoding(self._websocket.subprotocol)
        now, time_us = self._server.now(), self._server.time_us()
        session_id = secrets.token_hex(6)
        self._server.accept_statistics.opened += 1
        self._server.log.info("session opened", session=session_id, user=self._user, address=self._address)
        opcode = Opcode.BINARY if encoding is Encoding.MSGPACK else Opcode.TEXT
        self._frames = ClientFrames(opcode, FRAME_BYTES_MAX)
        if not frames_begin:
            self._frames.give_up()
        self._client = self._server.gateway.open(
            session_id, encoding, self, self._user, now, time_us, self._token_ends_at
        )
        self._reach()

    def _answer(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        if path != STREAM_PATH:
            found = self._server.pages.answer(path, self._websocket)
            return found or self._websocket.reject(404, "there are /v1/stream, /healthz, /readyz and /metrics\n")
        response = self._refusal() or self._accept(request)
        if response.status_code != 101:
            self._server.accept_statistics.refused[response.status_code] += 1
        return response

    def _refusal(self) -> Response | None:
        """Turn a client away if too many come at once, or none is wanted any more: before any work is done for it."""
        gateway = self._server.gateway
        if wait_s := self._server.refusal_s():
            why = "too many connections a second"
        elif gateway.is_draining:
            why = "this replica is shutting down"
        elif not gateway.market.listing:
            # Every subscription would be refused as to nothing that is listed: for good.
            why = "this replica has not loaded the market yet"
        elif not gateway.has_keys:
            why = "this replica has not loaded the keys of tokens yet"
        else:
            return None
        return self._not_now(why, wait_s or 1)

    def _not_now(self, why: str, wait_s: int) -> Response:
        response = self._websocket.reject(503, f"{why}\n")
        response.headers["Retry-After"] = str(wait_s)
        return response

    def _accept(self, request: Request) -> Response:
        if forwarded := request.headers.get_all("X-Forwarded-For"):
            self._believe(*forwarded_address(self._address, ",".join(forwarded), self._server.trusted_proxies))
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            try:
                if scheme.lower() != "bearer":
                    raise AuthenticationFailed("Authorization must be: Bearer <token>", CloseCode.NOT_AUTHENTICATED)
                unix_now = self._server.time_us() / 1e6
                self._user, self._token_ends_at = self._server.gateway.authenticate(token.strip(), unix_now)
            except KeysAwaited:
                return self._not_now("the keys of tokens are being loaded", KEYS_RETRY_AFTER_S)
            except AuthenticationFailed as failure:
                # The close code, since HTTP has no status of its own for each cause.
                response = self._websocket.reject(401, f"{failure.close_code:d} {failure.text}\n")
                response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
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

    def _reach(self) -> None:
        """Have this client written to straight if nothing is unsent, else through the transport."""
        if self._client is not None:
            descriptor = NO_DESCRIPTOR if self._is_behind else self._descriptor
            self._server.gateway.service.reach(self._client.subscriber, descriptor)

    def _retire(self) -> None:
        """Have nothing written straight any more: what comes behind a close is no data of this conversation."""
        self._descriptor = NO_DESCRIPTOR
        self._reach()

    def _review(self) -> None:
        """Have this client skipped, made whole, or aborted, by how much is unsent."""
        if self._client is not None:
            self._server.gateway.service.review(self._client.subscriber, self._server.now())

    def _send_control(self) -> None:
        for data in self._websocket.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.close()
                self._retire()
        if self._websocket.close_expected() and self._deadline is None:
            self._deadline = self._server.loop.call_later(CLOSE_S, self._transport.abort)

    def _close_code(self) -> int | None:
        """The code of the close that was said, by whichever side; None if the connection just ended."""
        close = self._websocket.close_sent or self._websocket.close_rcvd
        return None if close is None else close.code

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _descriptor(transport: asyncio.BaseTransport) -> int:
    """Return what the kernel calls the socket, if what is written to it goes out as it is."""
    socket = transport.get_extra_info("socket")
    return NO_DESCRIPTOR if socket is None or transport.get_extra_info("sslcontext") else socket.fileno()


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
