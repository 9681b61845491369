"""`python -m outcry.chaos`: traders as a role, led by JSON lines (`outcry.stack.aio.role_channel`).

First line in: tokens, gateways, instruments and seed. Then `ready` is sent, and requests are accepted: `rate` (orders a
second; 0 is none); `answered` (answered by `answered`: when the first order sent after a moment was acknowledged);
`rest` (answered by `rested`: all outcomes are known, or it took too long); `record` of one trader (answered by
`record`). Ends when its standard input does.
"""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop

from outcry.chaos.aio.trading_floor import TradingFloor
from outcry.stack.aio.role_channel import RoleChannel


async def serve(floor: TradingFloor, channel: RoleChannel) -> None:
    """Lead the traders as the supervisor asks, until it is gone."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(floor.run(lambda: channel.tell("ready")))
        async for request in channel.requests():
            await _answer(floor, channel, request)
        running.cancel()


async def _answer(floor: TradingFloor, channel: RoleChannel, request: dict[str, Any]) -> None:
    match request["op"]:
        case "rate":
            floor.set_rate(request["rate"])
        case "answered":
            channel.tell("answered", told_us=floor.first_answer_us(request["since_us"]))
        case "rest":
            await floor.rest()
            channel.tell("rested", traders=floor.traders)
        case "record":
            channel.tell("record", record=floor.record(request["number"]))


async def _run() -> None:
    channel = await RoleChannel.open()
    settings = await anext(channel.requests(), None)
    if settings is not None:
        await serve(TradingFloor(**settings), channel)


if __name__ == "__main__":
    uvloop.run(_run())
