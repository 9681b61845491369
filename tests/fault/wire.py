"""`python -m tests.fault.wire`: TCP links that can be cut and delayed, as a role (`outcry.stack.aio.role_channel`).

First line in: the links' names and ports. Then `ready` is told, and requests are taken, none with an answer: `aim`
(where a link leads), `cut`, `delay` (by so many seconds, in each direction) and `heal`.

A link that is cut passes nothing on and loses nothing, as TCP does while packets are lost: connections stay, new ones
are taken and hear nothing, and what was sent meanwhile arrives when the link is healed.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import uvloop

from outcry.stack.aio.role_channel import RoleChannel

HOST: Final = "127.0.0.1"
CHUNK_BYTES: Final = 65_536
IN_FLIGHT_CHUNKS_MAX: Final = 256
"""Chunks that one direction of a connection holds back while it is delayed; beyond it the sender waits, as TCP lets
it."""


class Link:
    """One port that leads to another."""

    def __init__(self) -> None:
        self.target = 0
        self.delay_s = 0.0
        self.open = asyncio.Event()
        self.open.set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead one connection on, in both directions, until either end is closed."""
        try:
            await self.open.wait()
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                there = tasks.create_task(self._lead(reader, far_writer))
                back = tasks.create_task(self._lead(far_reader, writer))
                await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                back.cancel()
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one direction; ends with it."""
        in_flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT_CHUNKS_MAX)
        async with asyncio.TaskGroup() as tasks:
            delivering = tasks.create_task(self._deliver(in_flight, writer))
            try:
                while chunk := await reader.read(CHUNK_BYTES):
                    await in_flight.put((asyncio.get_running_loop().time() + self.delay_s, chunk))
                await in_flight.put((0.0, b""))
                await delivering
            except OSError:
                delivering.cancel()

    async def _deliver(self, in_flight: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, chunk = await in_flight.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self.open.wait()
            if not chunk:
                return
            try:
                writer.write(chunk)
                await writer.drain()
            except OSError:
                return


async def _serve(channel: RoleChannel, ports: dict[str, int]) -> None:
    links = {name: Link() for name in ports}
    servers = [await asyncio.start_server(links[name].connected, HOST, port) for name, port in ports.items()]
    channel.tell("ready")
    async for request in channel.requests():
        _order(links[request["link"]], request)
    for server in servers:
        server.close()


def _order(link: Link, request: dict[str, Any]) -> None:
    match request["op"]:
        case "aim":
            link.target = request["port"]
        case "cut":
            link.open.clear()
        case "delay":
            link.delay_s = request["seconds"]
        case "heal":
            link.delay_s = 0.0
            link.open.set()


async def _run() -> None:
    channel = await RoleChannel.open()
    settings = await anext(channel.requests(), None)
    if settings is not None:
        await _serve(channel, settings["ports"])


if __name__ == "__main__":
    uvloop.run(_run())
