"""An external process that emits through python-socketio's Redis manager, as its documentation shows.

A third argument is the URL of Redis.
https://python-socketio.readthedocs.io/en/stable/server.html#emitting-from-external-processes
"""

from __future__ import annotations

import sys

import socketio
import uvloop

from benchmarks.fan_out.servers.feed import ports, serve_feed


async def main() -> None:
    """Publish until ended."""
    _, feed = ports()
    manager = socketio.AsyncRedisManager(sys.argv[3], write_only=True)

    async def publish(payload: bytes) -> None:
        # Text, since bytes would become two frames, and a placeholder.
        await manager.emit("update", payload.decode())

    await serve_feed(feed, publish)


if __name__ == "__main__":
    uvloop.run(main())
