"""Where a fault is tried: an exchange with its users and traders, and whatever can be done to it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, NamedTuple

from outcry.chaos.aio.proving_ground import GroundOptions, ProvingGround, proving_ground
from outcry.load.crew_options import CrewOptions
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from tests.fault.small_disk import SmallDisk, small_disk
from tests.fault.wires import Wires
from tests.integration.sentinels import Watched, watched_servers

GATEWAYS: Final = 3
ENGINES: Final = ("matching-1", "matching-2")
USERS: Final = 200
LOAD_PROCESSES: Final = 2
TRADERS: Final = 20
ORDERS_PER_SECOND: Final = 60.0
PROMOTION_LEASE_MS: Final = 20_000
"""Longer than a promotion takes, as docs/operations.md advises: the leader stays, and gives back what was lost."""

Say = Callable[[str], None]


class Site(NamedTuple):
    """An open ground and its tools; None where the site has no such thing."""

    ground: ProvingGround
    wires: Wires | None = None
    disk: SmallDisk | None = None
    watched: Watched | None = None


OpenSite = Callable[[Path, StopSignal, Say, int], contextlib.AbstractAsyncContextManager[Site]]


@contextlib.asynccontextmanager
async def plain_site(folder: Path, stop: StopSignal, say: Say, seed: int) -> AsyncIterator[Site]:
    """Three gateways, two engines and a Redis of their own (`appendfsync always`)."""
    with Stack(_options("always"), folder, say) as stack:
        async with _opened(stack, stop, say, seed) as ground:
            yield Site(ground)


@contextlib.asynccontextmanager
async def wired_site(folder: Path, stop: StopSignal, say: Say, seed: int) -> AsyncIterator[Site]:
    """The same, with a wire before Redis for each service, and before each gateway for its users."""
    gateways = range(1, GATEWAYS + 1)
    names = [*ENGINES, *(f"gateway-{number}" for number in gateways), *(f"client-{number}" for number in gateways)]
    with Wires(names, folder) as wires:
        await wires.open()
        with Stack(_options("always"), folder, say, route=wires.route) as stack:
            urls = wires.before_gateways(stack.ports)
            async with _opened(stack, stop, say, seed, urls) as ground:
                yield Site(ground, wires=wires)


@contextlib.asynccontextmanager
async def small_disk_site(folder: Path, stop: StopSignal, say: Say, seed: int) -> AsyncIterator[Site]:
    """The same, with Redis on a small disk and `appendfsync everysec`: with `always` it would end when that is full."""
    with small_disk(folder / "disk") as disk, Stack(_options("everysec"), folder, say, redis_folder=disk.path) as stack:
        async with _opened(stack, stop, say, seed) as ground:
            yield Site(ground, disk=disk)


@contextlib.asynccontextmanager
async def sentinel_site(folder: Path, stop: StopSignal, say: Say, seed: int) -> AsyncIterator[Site]:
    """The same on a primary and a replica that three sentinels watch."""
    lease = {"OUTCRY_LEASE_MS": str(PROMOTION_LEASE_MS)}
    with (
        watched_servers(folder) as watched,
        Stack(_options("no", watched.url), folder, say, engine_settings=lease) as stack,
    ):
        async with _opened(stack, stop, say, seed) as ground:
            yield Site(ground, watched=watched)


def _options(appendfsync: str, redis_url: str | None = None) -> StackOptions:
    return StackOptions(GATEWAYS, redis_url, None, engines=len(ENGINES), appendfsync=appendfsync)


@contextlib.asynccontextmanager
async def _opened(
    stack: Stack, stop: StopSignal, say: Say, seed: int, urls: list[str] | None = None
) -> AsyncIterator[ProvingGround]:
    await stack.start(stop)
    who = GroundOptions(CrewOptions(USERS, 100.0, LOAD_PROCESSES), TRADERS, ORDERS_PER_SECOND, seed)
    async with proving_ground(who, stack, stop, say) as ground:
        await ground.open(urls or stack.gateway_urls)
        yield ground
