"""picows on uvloop: its transports' `send`, one for each connection. https://picows.readthedocs.io."""

from __future__ import annotations

import uvloop
from picows import WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.fan_out.servers.feed import ports, serve_feed

connections: set[WSTransport] = set()


class Client(WSListener):  # type: ignore[misc] # untyped where picows is not installed
    """One connection."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Remember it."""
        connections.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Forget it."""
        connections.discard(transport)


def listen(_: WSUpgradeRequest) -> Client:
    """Take everyone."""
    return Client()


async def publish(payload: bytes) -> None:
    """Send to everyone in turn."""
    for transport in connections:
        transport.send(WSMsgType.BINARY, payload)


async def main() -> None:
    """Serve until ended."""
    port, feed = ports()
    server = await ws_create_server(listen, "127.0.0.1", port)
    async with server:
        await serve_feed(feed, publish)


if __name__ == "__main__":
    uvloop.run(main())
