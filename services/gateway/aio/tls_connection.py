"""TLS between a socket and a connection: what a proxy says first, the handshake, and records both ways.

To the socket it is a protocol, to a `ClientConnection` a transport. The library's own TLS transports copy, queue and
count each write several times, which is most of what a delivery costs there: `python -m benchmarks.door`. Here a frame
is encrypted and written to the kernel in one step, as plain frames are (`services.gateway.aio.direct_write`). The TLS
itself is OpenSSL's, through `ssl.SSLObject`.

The bytes are ours from the first one on, so a proxy's header before the ClientHello is just taken off, in whatever
pieces they come.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from typing import Any, Final, cast

from services.gateway.aio.certificate import Certificate
from services.gateway.aio.connection import HANDSHAKE_S, ClientConnection
from services.gateway.aio.ports import ConnectionPorts
from services.gateway.client_address import NO_HEADER, ProxyHeader, read_proxy_header
from services.gateway.subscriber import sealed

HEADER_BYTES_MAX: Final = 4_096
"""The longest header that a proxy may send before TLS; haproxy's have some hundreds of bytes."""
_READ_BYTES: Final = 1 << 16
_MORE: Final = (ssl.SSLWantReadError, ssl.SSLSyscallError)


class TlsConnection(asyncio.Protocol):
    """
    A socket whose peer speaks TLS, or is about to.

    Args:
        ports: What all connections of the gateway share.
        certificate: What the peer is shown; the one in use when its first bytes come.
    """

    __slots__ = (
        "_certificate",
        "_connection",
        "_deadline",
        "_descriptor",
        "_header",
        "_held",
        "_incoming",
        "_is_behind",
        "_outgoing",
        "_ports",
        "_tls",
        "_transport",
    )

    def __init__(self, ports: ConnectionPorts, certificate: Certificate) -> None:
        self._ports = ports
        self._certificate = certificate
        self._connection: ClientConnection | None = None
        """Once TLS is agreed on."""
        self._held = b""
        """What has come of a proxy's header, while it is not whole."""
        self._header: ProxyHeader | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._is_behind = False
        """Whether the transport holds anything unsent."""

    # -- the socket's side --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first bytes."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=0)
        self._descriptor: int = transport.get_extra_info("socket").fileno()
        self._deadline = self._ports.loop.call_later(HANDSHAKE_S, self.give_up)
        self._ports.pending.add(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes as they came."""
        if self._connection is not None:
            self._incoming.write(data)
            self._read()
        elif self._tls is not None:
            self._incoming.write(data)
            self._shake_hands()
        else:
            self._begin(data)

    def eof_received(self) -> None:
        """Let the transport close: there is nothing left to hear."""
        if self._connection is not None:
            self._connection.eof_received()

    def pause_writing(self) -> None:
        """Let nothing overtake what is unsent."""
        self._is_behind = True
        if self._connection is not None:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Write straight to the socket again: all is sent."""
        self._is_behind = False
        if self._connection is not None:
            self._connection.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget this peer, and cut the circle of references."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.connection_lost(error)
        else:
            self._certificate.handshakes_failed += 1
            self._leave_pending()
        self._tls = None

    # -- the handshake queue's side -----------------------------------------------------------------------------------

    def answer(self) -> None:
        """Answer the ClientHello, which costs a signature; one that has ended meanwhile is passed over."""
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        self._shake_hands()

    def give_up(self) -> None:
        """End it at once."""
        self._transport.abort()

    # -- the connection's side ----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Encrypt and send; never wait."""
        tls = self._tls
        if tls is None:
            return
        tls.write(data)
        self._send()

    def seal(self, data: bytes) -> bytes:
        """Encrypt what the caller sends, and before anything else is sent."""
        assert self._tls is not None
        self._tls.write(data)
        return self._outgoing.read()

    def write_sealed(self, data: bytes) -> None:
        """Send what is encrypted already; never wait."""
        self._transport.write(data)

    def write_eof(self) -> None:
        """Say that nothing more comes; what the peer still sends is read."""
        self._say_goodbye()
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """Tell that one side can end alone."""
        return True

    def close(self) -> None:
        """End it when all is sent."""
        self._say_goodbye()
        self._transport.close()

    def abort(self) -> None:
        """End it at once, unsent bytes lost."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether no more data may be sent."""
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes, as encrypted, are not yet sent."""
        return self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do what was asked of the socket's transport: it is 0, as every connection wants it."""

    def pause_reading(self) -> None:
        """Read nothing more from the socket."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the socket's; nothing plain may be written to the socket itself."""
        if name == "socket":
            return default
        return sealed(self._descriptor) if name == "descriptor" else self._transport.get_extra_info(name, default)

    # -- private ------------------------------------------------------------------------------------------------------

    def _begin(self, data: bytes) -> None:
        """Take a trusted proxy's header off; have the rest answered when there is some."""
        held = self._held + data
        if self._header is None:
            peer = self._transport.get_extra_info("peername")
            is_trusted = isinstance(peer, tuple) and peer[0] in self._ports.trusted_proxies
            self._header = read_proxy_header(held) if is_trusted else NO_HEADER
            if self._header is None:
                if len(held) >= HEADER_BYTES_MAX:
                    self.give_up()
                self._held = held
                return
            held = held[self._header.size :]
        self._held = b""
        if held:
            self._incoming.write(held)
            self._tls = self._certificate.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
            self._ports.handshakes.come(self)

    def _shake_hands(self) -> None:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except _MORE:
            self._send()
            return
        except ssl.SSLError:  # no TLS, or none that both speak: it is told why, if it can read that
            self._send()
            self._transport.close()
            return
        self._leave_pending()
        self._send()
        self._connection = ClientConnection(self._ports, self._header)
        self._connection.connection_made(cast("asyncio.Transport", self))
        self._read()

    def _read(self) -> None:
        """Pass on what has come, decrypted."""
        pieces: list[bytes] = []
        tls, is_over = self._tls, False
        assert tls is not None
        try:
            while piece := tls.read(_READ_BYTES):
                pieces.append(piece)
            is_over = True
        except _MORE:
            pass
        except ssl.SSLError:  # its own end, or what is no record of this conversation
            is_over = True
        connection = self._connection
        if pieces and connection is not None:
            connection.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if self._outgoing.pending:
            self._send()
        if is_over and self._connection is not None:
            self._connection.eof_received()
            self._transport.close()

    def _send(self) -> None:
        """Write what is encrypted; straight to the kernel as long as nothing unsent is before it."""
        data = self._outgoing.read()
        if not data:
            return
        if not self._is_behind and not self._transport.is_closing():
            try:
                sent = os.write(self._descriptor, data)
            except OSError:  # full, or gone: the transport finds out which
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        self._transport.write(data)

    def _say_goodbye(self) -> None:
        if self._tls is not None and not self._transport.is_closing():
            with contextlib.suppress(ssl.SSLError):  # said, and the peer's own is still to come
                self._tls.unwrap()
            self._send()

    def _leave_pending(self) -> None:
        self._deadline.cancel()
        self._ports.pending.remove(self)
