"""The way in by TLS: accepts, takes a proxy's header off the socket, and has the rest shake hands.

A proxy's header comes before TLS. It is looked at in the kernel's buffer and exactly its bytes are taken, so that the
ClientHello behind it, which mostly comes in the same read, stays for whoever speaks TLS: `start_tls` would lose it.

Of all that come at once only a few begin to shake hands in one turn of the event loop, since each costs a millisecond
of signing: between the turns come everybody else's orders, heartbeats and flushes.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from services.gateway.aio.certificate import Certificate
from services.gateway.aio.connection import HANDSHAKE_S, ClientConnection
from services.gateway.aio.ports import ConnectionPorts
from services.gateway.client_address import NO_HEADER, ProxyHeader, read_proxy_header

ACCEPTS_A_TURN: Final = 64
STARTS_A_TURN: Final = 4
"""Handshakes that begin in one turn of the event loop."""
PEEK_BYTES: Final = 4_096
"""The longest header that a proxy may send before TLS; haproxy's have some hundreds of bytes."""
RETRY_S: Final = 1.0
"""Time without accepting when there are no descriptors left."""
_NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class TlsDoor:
    """
    Connections between the kernel and their first byte of HTTP.

    Args:
        listener: Listens, and does not block.
        certificate: What newcomers are shown.
        ports: What all connections of the gateway share.
    """

    def __init__(self, listener: socket.socket, certificate: Certificate, ports: ConnectionPorts) -> None:
        self.certificate: Final = certificate
        self.ports: Final = ports
        self._listener = listener
        self._ready: deque[Arrival] = deque()
        self._next: asyncio.Handle | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._arrivals: set[Arrival] = set()

    def open(self) -> None:
        """Begin to accept."""
        self._retry = None
        self.ports.loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Accept nobody any more, and end who has not come in."""
        self.ports.loop.remove_reader(self._listener)
        for handle in (self._next, self._retry):
            if handle is not None:
                handle.cancel()
        for arrival in list(self._arrivals):
            arrival.give_up()

    def come(self, arrival: Arrival) -> None:
        """Have one that is ready shake hands, in its turn."""
        self._ready.append(arrival)
        if self._next is None:
            self._next = self.ports.loop.call_soon(self._turn)

    def left(self, arrival: Arrival) -> None:
        """Forget one that has come in, or has ended."""
        self._arrivals.discard(arrival)

    def _accept(self) -> None:
        for _ in range(ACCEPTS_A_TURN):
            try:
                peer, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self.ports.log.warning("cannot accept", error=str(error), retry_s=RETRY_S)
                self.ports.loop.remove_reader(self._listener)
                self._retry = self.ports.loop.call_later(RETRY_S, self.open)
                return
            peer.setblocking(False)  # noqa: FBT003
            arrival = Arrival(self, peer, address[0] if isinstance(address, tuple) else "")
            self._arrivals.add(arrival)
            arrival.begin()

    def _turn(self) -> None:
        self._next = None
        for _ in range(min(STARTS_A_TURN, len(self._ready))):
            self._ready.popleft().shake_hands()
        if self._ready:
            self._next = self.ports.loop.call_soon(self._turn)


class Arrival:
    """
    One that has yet to agree on TLS. It is bounded as all who have not said what they want: by time and by number.

    Args:
        door: Where it has come.
        peer: Its socket.
        address: The peer's.
    """

    def __init__(self, door: TlsDoor, peer: socket.socket, address: str) -> None:
        self._door = door
        self._peer: socket.socket | None = peer
        self._address = address
        self._header: ProxyHeader = NO_HEADER
        self._is_looking = False
        self._task: asyncio.Task[None] | None = None
        self._deadline = door.ports.loop.call_later(HANDSHAKE_S, self.give_up)

    def begin(self) -> None:
        """Wait for a trusted proxy's first bytes; others shake hands at once."""
        assert self._peer is not None
        self._door.ports.pending.add(self)
        if self._address in self._door.ports.trusted_proxies:
            self._is_looking = True
            self._door.ports.loop.add_reader(self._peer, self._look)
        else:
            self._door.come(self)

    def shake_hands(self) -> None:
        """Speak TLS, with what a proxy has said in mind."""
        if self._peer is not None:
            self._task = self._door.ports.loop.create_task(self._shake_hands(self._peer), name="TLS handshake")

    def give_up(self) -> None:
        """End it at once."""
        if self._task is not None:
            self._task.cancel()
        if (peer := self._leave()) is not None:
            self._door.certificate.handshakes_failed += 1
            peer.close()

    def _look(self) -> None:
        peer = self._peer
        assert peer is not None
        try:
            data = peer.recv(PEEK_BYTES, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.give_up()
            return
        header = read_proxy_header(data)
        wanted = peer.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)
        if not data or (header is None and (len(data) in {wanted - 1, PEEK_BYTES})):
            self.give_up()  # it has ended in the middle, or is no header of ours
            return
        if header is None:
            # Ready again when there is more; else the loop would turn for as long as the rest does not come.
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(data) + 1)
            return
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._stop_looking(peer)
        if header.size:
            peer.recv(header.size)  # all of it is there
        self._header = header
        self._door.come(self)

    async def _shake_hands(self, peer: socket.socket) -> None:
        make: Callable[[], ClientConnection] = lambda: ClientConnection(self._door.ports, self._header)  # noqa: E731
        try:
            await self._door.ports.loop.connect_accepted_socket(
                make, peer, ssl=self._door.certificate.context, ssl_handshake_timeout=HANDSHAKE_S
            )
        except OSError:  # no TLS, or none that both speak; it ends, as whoever knocks and goes
            if self._leave() is not None:
                self._door.certificate.handshakes_failed += 1
            peer.close()
        else:
            self._leave()

    def _leave(self) -> socket.socket | None:
        """Return its socket, if it is still here."""
        peer, self._peer = self._peer, None
        self._deadline.cancel()
        self._door.ports.pending.remove(self)
        self._door.left(self)
        if peer is not None:
            self._stop_looking(peer)
        return peer

    def _stop_looking(self, peer: socket.socket) -> None:
        if self._is_looking:
            self._is_looking = False
            self._door.ports.loop.remove_reader(peer)
