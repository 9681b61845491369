"""Starlette (and so FastAPI) on uvicorn: the loop of FastAPI's documentation, one awaited send for each connection.

https://fastapi.tiangolo.com/advanced/websockets/#handling-disconnections-and-multiple-clients
"""

from __future__ import annotations

import asyncio

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.fan_out.servers.feed import ports, serve_feed

connections: list[WebSocket] = []


async def stream(websocket: WebSocket) -> None:
    """Keep a connection until it is closed."""
    await websocket.accept()
    connections.append(websocket)
    try:
        while True:
            await websocket.receive_bytes()
    except WebSocketDisconnect:
        connections.remove(websocket)


async def publish(payload: bytes) -> None:
    """Send to everyone in turn."""
    for connection in connections.copy():
        await connection.send_bytes(payload)


async def main() -> None:
    """Serve until ended."""
    port, feed = ports()
    app = Starlette(routes=[WebSocketRoute("/", stream)])
    settings = uvicorn.Config(app, host="127.0.0.1", port=port, ws_per_message_deflate=False, log_level="warning")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_feed(feed, publish))
        tasks.create_task(uvicorn.Server(settings).serve())


if __name__ == "__main__":
    uvloop.run(main())
