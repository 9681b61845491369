"""`python -m openoutcry.load`: users as a role of the demo, led by JSON lines (`openoutcry.demo.aio.role_channel`).

First line in: the users' plans and tokens, and the gateways. Then `ready` is told, and requests are taken: `connect`,
`stats` (answered by `stats`), `view` (answered by `view`: the market as the first user of this process sees it) and
`verify` (answered by `books`). Ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any, Final

import uvloop

from openoutcry.demo.aio.role_channel import RoleChannel
from openoutcry.load.aio.fleet import Fleet
from openoutcry.load.follower import Follower
from openoutcry.load.plan import UserPlan

LEVELS_SHOWN: Final = 8


def build(settings: dict[str, Any]) -> Fleet:
    """Make the fleet that a first line describes."""
    plans = [UserPlan(*plan) for plan in settings["plans"]]
    return Fleet(plans, settings["tokens"], settings["gateways"], settings["seed"])


def view(follower: Follower) -> dict[str, Any]:
    """Return the books and trades that one verifying user holds, ready for JSON."""
    return {
        "books": {
            name: {
                "seq": book.seq,
                "bids": book.replica.bids.levels(LEVELS_SHOWN),
                "asks": book.replica.asks.levels(LEVELS_SHOWN),
            }
            for name, book in follower.books.items()
            if book.replica is not None
        },
        "trades": list(follower.trades),
    }


async def serve(fleet: Fleet, channel: RoleChannel) -> None:
    """Lead the users as the supervisor asks, until it is gone."""
    async with asyncio.TaskGroup() as tasks:
        running: list[asyncio.Task[None]] = []
        channel.tell("ready")
        async for request in channel.requests():
            match request["op"]:
                case "connect":
                    running.append(tasks.create_task(fleet.run()))
                case "view":
                    channel.tell("view", **view(fleet.users[0].follower))
                case "verify":
                    channel.tell("books", books=await fleet.final_books(request["expected"]))
                case _:
                    channel.tell("stats", **fleet.statistics())
        for task in running:
            task.cancel()


async def _run() -> None:
    channel = await RoleChannel.open()
    settings = await anext(channel.requests(), None)
    if settings is not None:
        fleet = build(settings)
        gc.freeze()  # Users live as long as the process: collections need not walk through them.
        await serve(fleet, channel)


if __name__ == "__main__":
    uvloop.run(_run())
