"""One socket: HTTP handshake and WebSocket frames in, finished frames out.

A plain asyncio protocol around the Sans-I/O core of `websockets`, with no task, queue or timer of its own: 10,000
idle connections cost memory and nothing else. Incoming frames go through that core; outgoing data frames are
finished already and go straight to the transport.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final, cast

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol

from openoutcry.wire.close_codes import CloseCode, close_reason
from openoutcry.wire.codec import SUBPROTOCOLS, Encoding
from openoutcry.wire.request_limits import REQUEST_BYTES_MAX
from services.gateway.aio.answer_body import BODY_S, AnswerBody
from services.gateway.aio.handshake import Handshake, StreamProtocol
from services.gateway.aio.ports import ConnectionPorts
from services.gateway.aio.read_queue import BYTES_MAX, FRAMES_MAX
from services.gateway.client_frames import ClientFrames, ForTheLibrary
from services.gateway.client_messages import BrokenMessage, ClientMessages, RefusedMessage, opcode_of
from services.gateway.session import SessionPhase
from services.gateway.subscriber import NO_DESCRIPTOR
from shared.identity import NOBODY, Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.gateway.client_address import ProxyHeader
    from services.gateway.gateway import ConnectedClient

FRAME_BYTES_MAX: Final = 256 * 1024
"""Incoming frames beyond this end the connection (1009); below it and above the request limit they get a reply."""
STRANGER_FRAME_BYTES_MAX: Final = REQUEST_BYTES_MAX
"""The same before login: strangers are many, and what is held of them is not to be."""
CLOSE_S: Final = 2.0
"""Time for the peer to answer a close; then the connection is aborted."""
HANDSHAKE_S: Final = 10.0
"""Time for the peer to send its HTTP request, and to take the answer; then the connection is aborted."""


class ClientConnection(asyncio.Protocol):
    """
    A client's connection.

    Args:
        ports: What all connections of the gateway share.
        header: What a proxy has said already; None: its header may come, before HTTP.
    """

    __slots__ = (
        "_address",
        "_body",
        "_client",
        "_deadline",
        "_descriptor",
        "_frames",
        "_handshake",
        "_header",
        "_is_behind",
        "_is_stranger",
        "_messages",
        "_ports",
        "_transport",
        "_websocket",
    )

    def __init__(self, ports: ConnectionPorts, header: ProxyHeader | None = None) -> None:
        self._ports = ports
        self._header = header
        self._client: ConnectedClient | None = None
        self._frames: ClientFrames | None = None
        self._messages: ClientMessages | None = None
        self._handshake: Handshake | None = None
        self._body: AnswerBody | None = None
        """What is left of a plain answer."""
        self._is_stranger = True
        """Whether no user has been named."""
        self._address = ""
        self._websocket = StreamProtocol(
            subprotocols=cast("Sequence[Subprotocol]", SUBPROTOCOLS),
            max_size=STRANGER_FRAME_BYTES_MAX,
            logger=ports.websocket_log,
        )

    # -- asyncio's side ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the transport reports when anything is unsent, and when nothing is any more."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else ""
        self._handshake = Handshake(self._ports, self._websocket, self._address)
        if self._header is not None:
            self._handshake.behind_proxy(self._header)
        self._transport.set_write_buffer_limits(high=0)
        self._descriptor = _descriptor(transport)
        self._is_behind = False
        self._deadline: asyncio.TimerHandle | None = self._ports.loop.call_later(HANDSHAKE_S, self.give_up)
        self._ports.pending.add(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes as they came."""
        ports, client, frames = self._ports, self._client, self._frames
        if client is None or frames is None:
            self._receive_head(data)
            return
        client.heard_at = now = ports.now()
        payload = frames.receive(data)
        if payload is None:
            ports.read_queue.read(self, now)
        else:
            ports.gateway.receive(client, payload, now, ports.time_us())
            ports.wake()
            if self._is_stranger:
                self._recognize(client)

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
        if self._body is not None:
            self._body.go_on()
            return
        self._ports.gateway.end_expired(self._ports.now(), self._ports.time_us())
        self._is_behind = False
        self._reach()
        self._review()
        self._ports.wake()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget this client, and cut the circles of references: nobody need search for what has ended."""
        self._cancel_deadline()
        self._ports.pending.remove(self)
        if self._body is not None:
            self._ports.bodies.remove(self)
            self._body = None
        if self._handshake is not None:
            self._handshake.end()
            self._handshake = None
        self._leave()
        self._websocket.parser.close()

    # -- the handshake queue's side -----------------------------------------------------------------------------------

    def answer(self) -> None:
        """Answer the complete request, and read what came behind it."""
        handshake = self._handshake
        if handshake is None or self._transport.is_closing():
            return
        behind = handshake.answer()
        self._handshake = None
        self._ports.pending.remove(self)
        self._address = handshake.address
        self._transport.resume_reading()  # before the rest is read, which may pause it again
        if handshake.body:
            self._send_body(handshake.body)
            return
        self._send_control()
        if self._websocket.state is not State.OPEN:
            return  # the deadline stays: a refused peer may not take its answer
        self._cancel_deadline()
        self._open(handshake.identity, handshake.program)
        if behind:
            self.data_received(behind)

    # -- the read queue's side ----------------------------------------------------------------------------------------

    def read_on(self, until: float) -> bool:
        """Read a slice of what has come; whether there may be more of it. If not, the socket is read again."""
        ports, now, read = self._ports, self._ports.now(), 0
        for _ in range(FRAMES_MAX):
            client, cut = self._client, None if self._frames is None else self._frames.next_cut()
            if client is None or cut is None:
                ports.wake()
                self._transport.resume_reading()
                return False
            if isinstance(cut, bytes):
                read += len(cut)
                ports.gateway.receive(client, cut, now, ports.time_us())
            else:
                read += len(cut.data)
                self._read_otherwise(client, cut, now)
            if self._is_stranger:
                self._recognize(client)
            now = ports.now()
            if read >= BYTES_MAX or now >= until:
                break
        ports.wake()
        return True

    def pause_reading(self) -> None:
        """Read nothing more from the socket, until what has come is read."""
        self._transport.pause_reading()

    def give_up(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    # -- the core's side --------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send finished frames; never wait."""
        self._transport.write(data)
        if self._is_behind:
            self._review()

    @property
    def seal(self) -> Callable[[bytes], bytes] | None:
        """What encrypts for this client, if its bytes must be; see `Subscriber.seal`."""
        return getattr(self._transport, "seal", None)

    def write_sealed(self, data: bytes) -> None:
        """Send what is left of what was sealed; never wait."""
        getattr(self._transport, "write_sealed", self._transport.write)(data)
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
        self._ports.log.warning(
            "slow consumer aborted",
            code=int(CloseCode.SLOW_CONSUMER),
            session=session and session.session_id,
            user=session and session.identity.user,
            address=self._address,
            unsent_bytes=self._transport.get_write_buffer_size(),
        )
        self._transport.abort()

    def close(self, code: int, text: str) -> None:
        """Send a close frame, and end the connection when the peer has answered or `CLOSE_S` is over."""
        if self._websocket.state is State.OPEN:
            self._websocket.send_close(code, close_reason(text))
            self._send_control()

    # -- private ----------------------------------------------------------------------------------------------------

    def _receive_head(self, data: bytes) -> None:
        """Take bytes up to the end of the handshake; what is behind it are frames, and read when it is answered."""
        handshake = self._handshake
        if handshake is not None and handshake.receive(data):  # else it is refused, and about to be closed
            self._ports.handshakes.come(self)

    def _open(self, identity: Identity, program: str) -> None:
        ports, encoding = self._ports, Encoding(self._websocket.subprotocol)
        session_id = f"{ports.replica()}-{secrets.token_hex(6)}"
        ports.statistics.opened += 1
        ports.log.info("session opened", session=session_id, user=identity.user, address=self._address)
        self._frames = ClientFrames(opcode_of(encoding), STRANGER_FRAME_BYTES_MAX)
        now, time_us = ports.now(), ports.time_us()
        self._client = ports.gateway.open(session_id, encoding, self, identity, now, time_us)
        self._client.program = program
        if identity is not NOBODY:
            self._know()
        self._reach()

    def _recognize(self, client: ConnectedClient) -> None:
        """
        Let a stranger who has logged in send what a user may, and give the address back what it was charged.

        Unless the user logs in without end: then the address pays, and is refused in its turn.
        """
        session, ports = client.session, self._ports
        if session.state is SessionPhase.OPEN:
            self._know()
            if ports.shares.users.charge(session.identity.user, ports.now()):
                ports.shares.addresses.forgive(self._address)

    def _know(self) -> None:
        assert self._frames is not None
        self._is_stranger = False
        self._frames.payload_bytes_max = FRAME_BYTES_MAX
        self._websocket.max_message_size = FRAME_BYTES_MAX

    def _read_otherwise(self, client: ConnectedClient, cut: ForTheLibrary, now: float) -> None:
        """Have the library read what is no plain request; once a close is sent, only the peer's own counts."""
        websocket, opcode = self._websocket, cut.opcode
        if opcode != Opcode.CLOSE:
            if websocket.state is not State.OPEN:
                return
            if not self._ports.gateway.count_control(client, now, self._ports.time_us()):
                return
        else:
            websocket.current_size = None  # a close within a fragmented message is answered as any other
        websocket.receive_data(cut.data)
        for event in websocket.events_received():
            self._receive_frame(client, cast("Frame", event), now)
        self._send_control()
        if websocket.eof_sent and self._frames is not None:
            self._frames.end()

    def _receive_frame(self, client: ConnectedClient, frame: Frame, now: float) -> None:
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return  # the protocol core answers pings and closes
        if self._messages is None:
            self._messages = ClientMessages(client.session.encoding)
        gateway, time_us = self._ports.gateway, self._ports.time_us()
        match self._messages.receive(frame):
            case bytes(payload):
                gateway.receive(client, payload, now, time_us)
            case RefusedMessage(text):
                gateway.refuse_frame(client, text, now, time_us)
            case BrokenMessage(code, text):
                gateway.end(client, code, text, now, time_us)

    def _reach(self) -> None:
        """Have this client written to straight if nothing is unsent, else through the transport."""
        if self._client is not None:
            descriptor = NO_DESCRIPTOR if self._is_behind else self._descriptor
            self._ports.gateway.service.reach(self._client.subscriber, descriptor)

    def _retire(self) -> None:
        """Have nothing written straight any more: what comes behind a close is no data of this conversation."""
        self._descriptor = NO_DESCRIPTOR
        self._reach()

    def _review(self) -> None:
        """Have this client skipped, brought back in sync, or aborted, by how much is unsent."""
        if self._client is not None:
            self._ports.gateway.service.review(self._client.subscriber, self._ports.now())

    def _send_control(self) -> None:
        for data in self._websocket.data_to_send():
            if data:
                self.write(data)
            elif self._client is None:
                self._transport.close()
            else:
                self._end_writing()
                self._retire()
        if self._websocket.close_expected() and self._deadline is None:
            self._deadline = self._ports.loop.call_later(CLOSE_S, self._transport.abort)

    def _send_body(self, body: bytes) -> None:
        """Send an answer whose body goes in parts; the connection ends behind it."""
        for data in self._websocket.data_to_send():
            if data:
                self._transport.write(data)
        self._cancel_deadline()
        self._deadline = self._ports.loop.call_later(BODY_S, self.give_up)
        self._body = AnswerBody(self._transport, body)
        self._ports.bodies.add(self)
        self._body.go_on()

    def _end_writing(self) -> None:
        """
        Say that the last frame was the last, and read what the peer still sends, to no effect, until it ends too.

        To close at once, with bytes unread, would reset the connection: many a peer would lose the close frame.
        """
        self._leave()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _leave(self) -> None:
        """Have the core forget this client; nothing is written to it any more."""
        if self._client is None:
            return
        self._ports.gateway.lost(self._client)  # first of all: its descriptor is about to be another socket's
        session = self._client.session
        self._ports.log.info(
            "session closed",
            session=session.session_id,
            user=session.identity.user,
            address=self._address,
            code=self._close_code(),
        )
        self._client = None

    def _close_code(self) -> int | None:
        """The code of the close that was said, by whichever side; None if the connection just ended."""
        close = self._websocket.close_sent or self._websocket.close_rcvd
        return None if close is None else close.code

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _descriptor(transport: asyncio.BaseTransport) -> int:
    """Return what listeners' maps have of the socket: what the kernel calls it, or that it is sealed, or nothing."""
    if (known := transport.get_extra_info("descriptor")) is not None:
        return int(known)
    socket = transport.get_extra_info("socket")
    return NO_DESCRIPTOR if socket is None or transport.get_extra_info("sslcontext") else socket.fileno()
