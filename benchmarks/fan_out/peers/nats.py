"""nats-server's own WebSocket, from Debian; users speak the NATS protocol inside frames, updates come over TCP.

It gathers what a client has not been sent into one frame.
"""

from __future__ import annotations

from typing import Final

from benchmarks.fan_out.contestant import Entrance, House, Peer
from benchmarks.fan_out.peers.environment import debian_version, program_of
from benchmarks.fan_out.publisher import Sink
from outcry.stack.aio.free_ports import free_ports
from shared.websocket_frame import BINARY, client_frame

SUBJECT: Final = "oo"
CONNECT: Final = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
SETTINGS: Final = """\
listen: 127.0.0.1:{port}
ping_interval: "10m"
websocket {{ listen: "127.0.0.1:{websocket}", no_tls: true, compression: false }}
"""
"""Pings would need answers in the NATS protocol; within a run there are none."""


class NatsSink(Sink):
    """A NATS client that publishes."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._socket.sendall(CONNECT)

    def encode(self, payload: bytes) -> bytes:
        """Make it a PUB."""
        return b"PUB %s %d\r\n%s\r\n" % (SUBJECT.encode(), len(payload), payload)


class Nats(Peer):
    """One server, one subject."""

    name = "nats-server"
    first_rate = 400

    @property
    def title(self) -> str:
        """With the versions that are installed."""
        return f"nats-server {debian_version('nats-server')} WebSocket"

    def check(self) -> None:
        """Look for its program."""
        program_of(self.name, "nats-server")

    async def start(self, house: House) -> Entrance:
        """Start the server."""
        port, websocket = free_ports(2)
        settings = house.folder / "nats.conf"
        settings.write_text(SETTINGS.format(port=port, websocket=websocket), encoding="utf-8")
        await house.server([program_of(self.name, "nats-server"), "--config", str(settings)], port, websocket)
        subscribe = client_frame(CONNECT + f"SUB {SUBJECT} 1\r\n".encode(), BINARY, bytes(4))
        return Entrance(websocket, lambda: NatsSink(port), hello=subscribe)
