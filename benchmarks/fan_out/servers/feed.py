"""Updates from the publisher, in every Python server alike: 4 bytes of length, highest first, and so many bytes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Publish: TypeAlias = Callable[[bytes], Awaitable[None]]


def ports() -> tuple[int, int]:
    """Return PORT and FEED of the command line."""
    return int(sys.argv[1]), int(sys.argv[2])


async def serve_feed(port: int, publish: Publish) -> None:
    """Take updates from whoever connects, one after the other, and never end."""

    async def follow(updates: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = int.from_bytes(await updates.readexactly(4), "big")
                await publish(await updates.readexactly(size))
        except asyncio.IncompleteReadError:
            answers.close()  # the publisher is done

    server = await asyncio.start_server(follow, "127.0.0.1", port)
    await server.serve_forever()
