"""`python -m outcry.flow`: a driver as a role of the demo, led by JSON lines (`outcry.stack.aio.role_channel`).

First line in: what to be (`bots` or `replay`, with its settings). Then `ready` is sent, with what is listed, and
requests are taken: `start`, `rate` (of bots, book changes a second), `blackout` (of bots, closes the first instrument
to insiders), `stats` (answered by `stats`), `stop` (answered by `stats` when the engine has applied everything). An
error is sent as `failed` with its text, which is the log's last line too, and ends the role with status 1.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import uvloop

from openoutcry.wire.errors import OpenOutcryError
from outcry.flow.aio.bots import Bots
from outcry.flow.aio.driver import Driver
from outcry.flow.aio.replay import Replay
from outcry.flow.funding import CALL_S
from outcry.stack.aio.role_channel import RoleChannel
from shared.aio.first_error import first_error


def build(settings: dict[str, Any]) -> Driver:
    """Make the driver that a first line describes."""
    redis_url = settings["redis_url"]
    if settings["role"] == "bots":
        return Bots(
            redis_url,
            rate=settings["rate"],
            hot=settings["hot"],
            seed=settings["seed"],
            accounts=settings.get("accounts", False),
            call_s=settings.get("call_s", CALL_S),
        )
    return Replay(redis_url, Path(settings["path"]), settings["instrument"], settings["speed"])


async def serve(driver: Driver, channel: RoleChannel) -> None:
    """Lead a driver through its life, as the supervisor asks."""
    await driver.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(driver.follow())]
            await driver.prepare()
            symbols = [instrument.symbol for instrument in driver.listing]
            channel.tell("ready", instruments=symbols, listing=driver.listing)
            async for request in channel.requests():
                match request["op"]:
                    case "start":
                        running.append(tasks.create_task(driver.run()))
                    case "rate":
                        assert isinstance(driver, Bots), "a replay has no rate"
                        driver.set_rate(request["rate"])
                    case "blackout":
                        assert isinstance(driver, Bots), "a replay has no insiders"
                        driver.begin_blackout()
                    case "stop":
                        driver.stopping.set()
                        await driver.finished.wait()
                        channel.tell("stats", **driver.statistics())
                    case _:
                        channel.tell("stats", **driver.statistics())
            for task in running:  # The supervisor is gone.
                task.cancel()
    finally:
        await driver.aclose()


async def _run() -> int:
    channel = await RoleChannel.open()
    settings = await anext(channel.requests(), None)
    status = 0
    if settings is not None:
        try:
            await serve(build(settings), channel)
        except (BaseExceptionGroup, OpenOutcryError) as group:
            error = first_error(group)
            if not isinstance(error, OpenOutcryError):
                raise
            channel.tell("failed", text=str(error))
            print(f"{error}", file=sys.stderr, flush=True)  # noqa: T201 - the log, where a supervisor looks for why
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(uvloop.run(_run()))
