"""A role that says `ready`, and ends with its standard input."""

from __future__ import annotations

import asyncio

from outcry.stack.aio.role_channel import RoleChannel


async def _run() -> None:
    channel = await RoleChannel.open()
    async for _ in channel.requests():
        channel.tell("ready")


if __name__ == "__main__":
    asyncio.run(_run())
