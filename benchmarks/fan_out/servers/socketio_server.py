"""python-socketio behind its Redis manager, on uvicorn; who publishes is another process (`socketio_publisher`).

A third argument is the URL of Redis.

https://python-socketio.readthedocs.io/en/stable/server.html#using-a-message-queue
"""

from __future__ import annotations

import sys

import socketio
import uvicorn

from benchmarks.fan_out.servers.feed import ports

PING_S = 300
"""Longer than a run: no pings of its own within it."""


def main() -> None:
    """Serve until ended."""
    port, _ = ports()
    manager = socketio.AsyncRedisManager(sys.argv[3])
    server = socketio.AsyncServer(async_mode="asgi", client_manager=manager, ping_interval=PING_S)
    app = socketio.ASGIApp(server)
    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", ws_per_message_deflate=False, log_level="warning")


if __name__ == "__main__":
    main()
