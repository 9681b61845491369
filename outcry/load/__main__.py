"""`python -m outcry.load`: users as a role, led by JSON lines (`outcry.stack.aio.role_channel`).

First line in: the users' plans and tokens, the gateways, and how users come and go. Then `ready` is sent, and requests
are taken: `connect`; `freeze` (a measurement begins); `churn` and `orders` (both with a `rate`); `drop` (all
connections); `home` (back to the gateways of the plans); `stats` (answered by `stats`); `reached` (answered by
`reached`: how many users stand where the engine stood); `means` (answered by `means`: every user's own deliveries
since the last time); `seqs` (answered by `seqs`); `view` (answered by `view`: the
market as the first user of this process sees it); `settle` (answered by `settled`: no order rests); and `verify`
(answered by `books`). Ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any, Final

import uvloop

from outcry.load.aio.fleet import Fleet
from outcry.load.fleet_settings import FleetSettings
from outcry.load.follower import Follower
from outcry.load.plan import UserPlan
from outcry.stack.aio.role_channel import RoleChannel

LEVELS_SHOWN: Final = 40


def build(settings: dict[str, Any]) -> Fleet:
    """Make the fleet that a first line describes."""
    plans = [UserPlan.read(plan) for plan in settings["plans"]]
    return Fleet(plans, settings["tokens"], settings["gateways"], FleetSettings.read(settings["settings"]))


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
        "trades": list(follower.trades or ()),
    }


def freeze() -> None:
    """Let collections pass over what there is: users live as long as the process, and a walk through all is a stall."""
    gc.collect()
    gc.freeze()


async def serve(fleet: Fleet, channel: RoleChannel) -> None:
    """Lead the users as the supervisor asks, until it is gone."""
    async with asyncio.TaskGroup() as tasks:
        running: list[asyncio.Task[None]] = []
        channel.tell("ready")
        async for request in channel.requests():
            match request["op"]:
                case "connect":
                    running.append(tasks.create_task(fleet.run()))
                case "freeze":
                    freeze()
                case "churn":
                    fleet.set_churn(request["rate"])
                case "orders":
                    fleet.set_orders(request["rate"])
                case "drop":
                    fleet.drop_all()
                case "home":
                    fleet.send_home()
                case _:
                    await _answer(fleet, channel, request)
        for task in running:
            task.cancel()


async def _answer(fleet: Fleet, channel: RoleChannel, request: dict[str, Any]) -> None:
    match request["op"]:
        case "means":
            channel.tell("means", means=fleet.means())
        case "seqs":
            channel.tell("seqs", seqs=fleet.seqs())
        case "reached":
            channel.tell("reached", users=fleet.reached(request["expected"], request["since_us"]))
        case "settle":
            await fleet.settle()
            channel.tell("settled")
        case "view":
            channel.tell("view", **view(fleet.users[0].follower))
        case "verify":
            channel.tell("books", books=await fleet.final_books(request["expected"]))
        case _:
            channel.tell("stats", **fleet.statistics())


async def _run() -> None:
    channel = await RoleChannel.open()
    settings = await anext(channel.requests(), None)
    if settings is not None:
        fleet = build(settings)
        freeze()
        await serve(fleet, channel)


if __name__ == "__main__":
    uvloop.run(_run())
