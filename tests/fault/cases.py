"""What is tried: each case does one thing to a site, and returns how long the market took to recover."""

from __future__ import annotations

import asyncio
import functools
import resource
import shutil
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import psutil

from outcry.chaos.fault import Blow, ChaosFault, Part, Strike
from outcry.chaos.recoveries import RecoveryTimes
from outcry.stack.aio.child import RoleFailed
from tests.fault.hostile_clients import send_rubbish, silent_clients, try_to_connect
from tests.fault.site import OpenSite, Site, plain_site, sentinel_site, small_disk_site, wired_site
from tests.fault.small_disk import why_not
from tests.fault.wires import Wires

DEAD_S: Final = 0.7
"""How long what was killed stays dead."""
FROZEN_S: Final = 3.5
"""Longer than a leader's lease, a gateway's patience with the feed, and a user's with a gateway."""
CUT_S: Final = 4.0
DELAY_S: Final = 0.1
"""In each direction."""
DELAYED_S: Final = 3.0
FULL_S: Final = 4.0
HOSTILE_S: Final = 3.0
FILES_SPARE: Final = 12
"""Files that a gateway may still open when it is told that there are no more."""
CONNECTIONS_TRIED: Final = 60

Act = Callable[[Site, int], Awaitable[RecoveryTimes]]


class Case(NamedTuple):
    """A fault as the table has it."""

    name: str
    open_site: OpenSite
    act: Act
    """Takes the site and the number of the try, from 0."""
    why_not: str = ""
    """Why it cannot be tried on this machine; "" if it can."""


async def strike(blow: Blow, part: Part, site: Site, turn: int) -> RecoveryTimes:
    """Kill or freeze a part; of gateways another one each time."""
    seconds = DEAD_S if blow is Blow.KILL else FROZEN_S
    return await site.ground.endure(
        ChaosFault(0.0, (Strike(blow, part, turn % len(site.ground.stack.gateways), seconds),))
    )


async def restart_redis(site: Site, _turn: int) -> RecoveryTimes:
    """End Redis in good order, as an upgrade does; it comes back with its append-only file."""
    ground = site.ground
    assert ground.stack.redis is not None
    redis = ground.stack.redis.child
    ground.keeper.hold(redis, DEAD_S)
    redis.terminate()
    while redis.exit_status() is None:  # noqa: ASYNC110 - a process
        await asyncio.sleep(0.01)
    since_us = _now_us()
    return await ground.recovery(since_us)


async def wipe_redis(site: Site, _turn: int) -> RecoveryTimes:
    """Let Redis die and come back with nothing: a disk that was replaced, or an operator's mistake."""
    stack, ground = site.ground.stack, site.ground
    assert stack.redis is not None
    since_us = _now_us()
    ground.keeper.hold(stack.redis.child, DEAD_S)
    stack.redis.child.kill()
    while stack.redis.child.exit_status() is None:  # noqa: ASYNC110 - a process
        await asyncio.sleep(0.01)
    shutil.rmtree(stack.folder / "appendonlydir")
    return await ground.recovery(since_us)


async def cut(whom: Part, site: Site, turn: int) -> RecoveryTimes:
    """Cut a part off from Redis, and let it come back."""
    return await _disturb(site, await _link(whom, site, turn), CUT_S)


async def delay(whom: Part, site: Site, turn: int) -> RecoveryTimes:
    """Let a part's words with Redis take longer for a while."""
    return await _disturb(site, await _link(whom, site, turn), DELAYED_S, DELAY_S)


async def cut_users(site: Site, turn: int) -> RecoveryTimes:
    """Cut all users of a gateway off from it, and let them come back."""
    return await _disturb(site, f"client-{1 + turn % len(site.ground.stack.gateways)}", CUT_S)


async def delay_users(site: Site, turn: int) -> RecoveryTimes:
    """Let the words of a gateway with its users take longer for a while."""
    return await _disturb(site, f"client-{1 + turn % len(site.ground.stack.gateways)}", DELAYED_S, DELAY_S)


async def fill_disk(site: Site, _turn: int) -> RecoveryTimes:
    """Leave Redis no room for its append-only file, and give it back."""
    assert site.disk is not None
    since_us = _now_us()
    site.disk.fill()
    await asyncio.sleep(FULL_S)
    site.disk.empty()
    return await site.ground.recovery(since_us)


async def promote(site: Site, _turn: int) -> RecoveryTimes:
    """Kill the primary; sentinels promote the replica; the old primary comes back as the replica."""
    watched = site.watched
    assert watched is not None
    since_us, primary = _now_us(), watched.primary()
    await asyncio.to_thread(primary.kill)
    recovery = await site.ground.recovery(since_us)
    await asyncio.to_thread(watched.bring_back, primary)
    return recovery


async def exhaust_files(site: Site, turn: int) -> RecoveryTimes:
    """Let a gateway open no more files: new connections are refused, and those that are there do not notice."""
    stack = site.ground.stack
    place = turn % len(stack.gateways)
    gateway, port = stack.gateways[place], stack.ports[place]
    before = (await site.ground.crew.statistics()).counts["disconnects"]
    since_us = _now_us()
    limits = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    held = psutil.Process(gateway.pid).num_fds()
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (held + FILES_SPARE, limits[1]))
    try:
        taken, _ = await try_to_connect(CONNECTIONS_TRIED, port, _strangers(site))
        recovery = await site.ground.recovery(since_us)
    finally:
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, limits)
    _expect(taken <= FILES_SPARE, f"{taken} connections were taken with room for {FILES_SPARE}")
    await _expect_unharmed(site, before)
    taken, refused = await try_to_connect(FILES_SPARE, port, _strangers(site))
    _expect(not refused, f"{refused} of {taken + refused} were refused when there was room again")
    return recovery


async def rubbish(count: int, site: Site, turn: int) -> RecoveryTimes:
    """Let clients send noise to a gateway."""
    before = (await site.ground.crew.statistics()).counts["disconnects"]
    since_us = _now_us()
    port = site.ground.stack.ports[turn % len(site.ground.stack.ports)]
    tokens = _strangers(site)
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(send_rubbish(port, tokens[number], turn * 1000 + number, HOSTILE_S))
        recovery = await site.ground.recovery(since_us)
    await _expect_unharmed(site, before)
    return recovery


async def silence(count: int, site: Site, turn: int) -> RecoveryTimes:
    """Let clients ask a gateway for everything, and read nothing."""
    before = (await site.ground.crew.statistics()).counts["disconnects"]
    since_us = _now_us()
    port = site.ground.stack.ports[turn % len(site.ground.stack.ports)]
    async with silent_clients(count, port, _strangers(site)):
        await asyncio.sleep(HOSTILE_S)
        recovery = await site.ground.recovery(since_us + int(HOSTILE_S * 1e6))
    await _expect_unharmed(site, before)
    return recovery


def cases() -> list[Case]:
    """Return all of them, those of one site together."""
    blows = [
        Case(f"{'kill -9' if blow is Blow.KILL else 'SIGSTOP'} {part.value}", plain_site,
             functools.partial(strike, blow, part))
        for part in (Part.LEADER, Part.STANDBY, Part.GATEWAY, Part.REDIS) for blow in Blow
    ]  # fmt: skip
    files = "" if hasattr(resource, "prlimit") else "only Linux has prlimit"
    return [
        *blows,
        Case("Redis restarted", plain_site, restart_redis),
        Case("Redis comes back empty", plain_site, wipe_redis),
        Case("no more file descriptors in a gateway", plain_site, exhaust_files, files),
        *(Case(f"{_clients(count)} sending rubbish", plain_site, functools.partial(rubbish, count))
          for count in (1, 100)),
        *(Case(f"{_clients(count)} never reading", plain_site, functools.partial(silence, count))
          for count in (1, 100)),
        Case("leader cut off from Redis", wired_site, functools.partial(cut, Part.LEADER)),
        Case("gateway cut off from Redis", wired_site, functools.partial(cut, Part.GATEWAY)),
        Case("users cut off from a gateway", wired_site, cut_users),
        Case("leader 100 ms from Redis", wired_site, functools.partial(delay, Part.LEADER)),
        Case("gateway 100 ms from Redis", wired_site, functools.partial(delay, Part.GATEWAY)),
        Case("users 100 ms from a gateway", wired_site, delay_users),
        Case("full disk under Redis", small_disk_site, fill_disk, why_not()),
        Case("sentinels promote the replica", sentinel_site, promote),
    ]  # fmt: skip


def _clients(count: int) -> str:
    return "a client" if count == 1 else f"{count} clients"


async def _link(whom: Part, site: Site, turn: int) -> str:
    stack = site.ground.stack
    return (await site.ground.leader()).name if whom is Part.LEADER else stack.gateways[turn % len(stack.gateways)].name


async def _disturb(site: Site, link: str, seconds: float, delay_s: float = 0.0) -> RecoveryTimes:
    """Cut or delay a link for a while; recovery counts from the beginning."""
    wires = site.wires
    assert wires is not None
    since_us = _now_us()
    if delay_s:
        wires.delay(link, delay_s)
    else:
        wires.cut(link)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_heal(wires, link, seconds))
        return await site.ground.recovery(since_us)


async def _heal(wires: Wires, link: str, seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
    finally:
        wires.heal(link)


def _strangers(site: Site) -> list[str]:
    return [site.ground.stack.token(f"stranger-{number:03}") for number in range(100)]


async def _expect_unharmed(site: Site, before: int) -> None:
    after = (await site.ground.crew.statistics()).counts["disconnects"]
    _expect(after == before, f"{after - before} users who had done nothing lost their connection")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RoleFailed(otherwise)


def _now_us() -> int:
    return time.time_ns() // 1000
