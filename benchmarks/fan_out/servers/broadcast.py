"""websockets' `broadcast` on uvloop: https://websockets.readthedocs.io/en/stable/topics/broadcast.html."""

from __future__ import annotations

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.fan_out.servers.feed import ports, serve_feed


async def wait(connection: ServerConnection) -> None:
    """Keep a connection, and read what comes, until it is closed."""
    await connection.wait_closed()


async def main() -> None:
    """Serve until ended."""
    port, feed = ports()
    async with serve(wait, "127.0.0.1", port, compression=None) as server:

        async def publish(payload: bytes) -> None:
            broadcast(server.connections, payload)

        await serve_feed(feed, publish)


if __name__ == "__main__":
    uvloop.run(main())
