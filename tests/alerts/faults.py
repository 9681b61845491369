"""The faults themselves: each is there while it is entered, and is undone as far as that can be."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sqlite3
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from openoutcry.wire.codec import SUBPROTOCOLS
from openoutcry.wire.instrument import Instrument
from outcry.stack.aio.child import Child
from outcry.stack.aio.local_redis import LocalRedis
from shared.aio.redis_connection import open_redis
from shared.logs.commands import CancelAll, Command, ListInstrument, encode_commands
from shared.logs.market_commands import BeginAccounts
from shared.logs.session_commands import ScheduledStep, SetSchedule
from shared.logs.stream_keys import COMMANDS_FIELD, StreamKeys
from tests.alerts.site import AlertSite
from tests.fault.hostile_clients import never_read

BRIEF_S: Final = 3.0
DELAY_S: Final = 0.3
"""In each direction, above the quarter of a second of FeedSlow and StoreSlow."""
SILENT_USERS: Final = 40
SILENT_S: Final = 40.0
"""About what one of them takes to fill its buffers, to lag and to be thrown out."""
SILENT_S_MAX: Final = 110.0
LOG_S: Final = 5.0
"""Longer than a command log of a few hundred entries reaches back."""


@contextlib.asynccontextmanager
async def nothing(_site: AlertSite) -> AsyncIterator[None]:
    yield


@contextlib.asynccontextmanager
async def brief(site: AlertSite) -> AsyncIterator[None]:
    """Do what a market bears every day: fail-over, a gateway that dies or pauses, Redis restarted."""
    for victim in (await site.leader(), site.stack.gateways[0]):
        await _kill(victim)
        victim.restart()
        await _until_ready(site)
    site.stack.gateways[1].freeze()
    await asyncio.sleep(BRIEF_S)
    site.stack.gateways[1].thaw()
    assert site.stack.redis is not None
    site.stack.redis.child.stop()
    site.stack.redis.child.restart()
    await _until_ready(site)
    yield


@contextlib.asynccontextmanager
async def standby_away(site: AlertSite) -> AsyncIterator[None]:
    standby = await site.standby()
    await _kill(standby)

    async def bring_back() -> None:
        await asyncio.sleep(80.0)
        standby.restart()

    async with _meanwhile(bring_back):
        yield


@contextlib.asynccontextmanager
async def third_engine(site: AlertSite) -> AsyncIterator[None]:
    with site.engine(site.stack.redis_url):
        await asyncio.sleep(20.0)
    yield


@contextlib.asynccontextmanager
async def engines_die(site: AlertSite) -> AsyncIterator[None]:
    for engine in site.stack.engines:
        await _kill(engine)
    yield


@contextlib.asynccontextmanager
async def leaders_die(site: AlertSite) -> AsyncIterator[None]:
    """Each leader lives long enough to be seen."""

    async def kill_leaders() -> None:
        for _ in range(4):
            leader = await site.leader()
            await _kill(leader)
            leader.restart()
            await _until_ready(site)
            await asyncio.sleep(6.0)

    await kill_leaders()
    yield


@contextlib.asynccontextmanager
async def other_store(site: AlertSite) -> AsyncIterator[None]:
    folder = site.stack.folder / "other-store"
    folder.mkdir(mode=0o700)
    with LocalRedis(folder) as other, site.engine(other.url):
        yield


@contextlib.asynccontextmanager
async def cut_gateway(site: AlertSite) -> AsyncIterator[None]:
    assert site.wires is not None
    site.wires.cut("gateway-1")
    yield
    site.wires.heal("gateway-1")


@contextlib.asynccontextmanager
async def far(link: str, site: AlertSite) -> AsyncIterator[None]:
    assert site.wires is not None
    site.wires.delay(link, DELAY_S)
    yield
    site.wires.heal(link)


@contextlib.asynccontextmanager
async def far_leader(site: AlertSite) -> AsyncIterator[None]:
    async with far((await site.leader()).name, site):
        yield


@contextlib.asynccontextmanager
async def starved_gateway(site: AlertSite) -> AsyncIterator[None]:
    """Give a gateway a third of the time, in pieces that are too late."""
    gateway = site.stack.gateways[0]

    async def starve() -> None:
        while True:
            gateway.freeze()
            await asyncio.sleep(0.3)
            gateway.thaw()
            await asyncio.sleep(0.15)

    async with _meanwhile(starve):
        yield
    gateway.thaw()


@contextlib.asynccontextmanager
async def lost_place(site: AlertSite) -> AsyncIterator[None]:
    """Take away what a gateway has not read, while it stands still."""
    gateway = site.stack.gateways[0]
    async with open_redis(site.stack.redis_url, "test") as redis:
        for _ in range(4):
            gateway.freeze()
            await asyncio.sleep(1.5)
            await redis.execute_command("XTRIM", StreamKeys().feed, "MAXLEN", "=", 1)
            gateway.thaw()
            await _until_ready(site)
    yield


@contextlib.asynccontextmanager
async def paused_standby(site: AlertSite) -> AsyncIterator[None]:
    """Pause the standby again and again for longer than the command log reaches back."""
    standby = await site.standby()
    for _ in range(4):
        standby.freeze()
        await asyncio.sleep(LOG_S)
        standby.thaw()
        await asyncio.sleep(1.0)
        await _until_ready(site)
    yield


@contextlib.asynccontextmanager
async def silent_users(site: AlertSite) -> AsyncIterator[None]:
    """
    Let users ask for everything and read nothing, and come again when they are thrown out.

    They come one after the other: who comes at once lags at once and is thrown out at once, and between nobody lags.
    The fault is there once the first were thrown out.
    """
    port = site.stack.ports[0]

    async def be_silent(token: str, delay: float) -> None:
        await asyncio.sleep(delay)
        while True:
            await never_read(port, token)
            await asyncio.sleep(0.2)

    async def all_be_silent() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(SILENT_USERS):
                tasks.create_task(be_silent(site.stack.token(f"silent-{number}"), number * SILENT_S / SILENT_USERS))

    async with _meanwhile(all_be_silent):
        async with asyncio.timeout(SILENT_S_MAX):
            while await asyncio.to_thread(_aborted, port) < SILENT_USERS // 4:  # noqa: ASYNC110 - another process
                await asyncio.sleep(1)
        yield


def _aborted(port: int) -> float:
    """Return how many users a gateway has thrown out as too slow."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("outcry_gateway_aborted_total{"))


@contextlib.asynccontextmanager
async def crowd(site: AlertSite) -> AsyncIterator[None]:
    async with _connected(site, site.stack.ports, 15):
        yield


@contextlib.asynccontextmanager
async def crowd_at_door(site: AlertSite) -> AsyncIterator[None]:
    async with _connected(site, [site.door_port], 18):
        yield


@contextlib.asynccontextmanager
async def gateway_dies(site: AlertSite) -> AsyncIterator[None]:
    await _kill(site.stack.gateways[0])
    yield


@contextlib.asynccontextmanager
async def door_dies(site: AlertSite) -> AsyncIterator[None]:
    assert site.door is not None
    await _kill(site.door)
    yield


@contextlib.asynccontextmanager
async def full(site: AlertSite) -> AsyncIterator[None]:
    async with open_redis(site.stack.redis_url, "test") as redis:
        await redis.execute_command("CONFIG", "SET", "maxmemory", "1mb")
        yield
        await redis.execute_command("CONFIG", "SET", "maxmemory", "0")


@contextlib.asynccontextmanager
async def lost_tail(site: AlertSite) -> AsyncIterator[None]:
    """Bring the store back as it was two seconds ago."""
    assert site.stack.redis is not None
    child, data = site.stack.redis.child, site.stack.folder / "appendonlydir"
    kept = Path(shutil.copytree(data, site.stack.folder / "kept"))
    await asyncio.sleep(2.0)
    await _kill(child)
    shutil.rmtree(data)
    shutil.move(kept, data)
    child.restart()
    yield


@contextlib.asynccontextmanager
async def damaged_checkpoint(site: AlertSite) -> AsyncIterator[None]:
    """The leader replaces it at its next checkpoint, so an engine must come before that."""
    standby = await site.standby()
    await _kill(standby)
    async with open_redis(site.stack.redis_url, "test") as redis:
        await redis.execute_command("SETRANGE", StreamKeys().checkpoint, 20, "damaged")
    standby.restart()
    await _until_ready(site)
    yield


@contextlib.asynccontextmanager
async def broken_store(site: AlertSite) -> AsyncIterator[None]:
    """Damage both checkpoints while no engine holds the market, and start one."""
    for engine in site.stack.engines:
        await _kill(engine)
    async with open_redis(site.stack.redis_url, "test") as redis:
        for key in (StreamKeys().checkpoint, StreamKeys().previous_checkpoint):
            await redis.execute_command("SETRANGE", key, 20, "damaged")
    site.stack.engines[0].restart()
    yield


@contextlib.asynccontextmanager
async def rubbish_in_log(site: AlertSite) -> AsyncIterator[None]:
    async with open_redis(site.stack.redis_url, "test") as redis:
        await redis.execute_command("XADD", StreamKeys().commands, "*", COMMANDS_FIELD, "rubbish")
    yield


@contextlib.asynccontextmanager
async def plan_ends(site: AlertSite) -> AsyncIterator[None]:
    """Plan two days of a calendar, and no more; no instrument follows it."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    steps: list[ScheduledStep] = []
    for day in (today + timedelta(days=1), today + timedelta(days=2)):
        for hour, step in ((8, "continuous"), (18, "close")):
            steps.append(ScheduledStep(f"{day:%Y-%m-%d}", int((day.timestamp() + hour * 3600) * 1_000_000), step))
    command = SetSchedule("test", 1, "root", "berlin", "2026.1", tuple(steps))
    async with open_redis(site.stack.redis_url, "test") as redis:
        await redis.execute_command("XADD", StreamKeys().commands, "*", COMMANDS_FIELD, encode_commands([command]))
    yield


@contextlib.asynccontextmanager
async def clock_ahead(site: AlertSite) -> AsyncIterator[None]:
    """Have the log's ids, which are its times, begin two minutes ahead: no id of Redis goes back."""
    async with open_redis(site.stack.redis_url, "test") as redis:
        ahead = f"{time.time_ns() // 1_000_000 + 120_000}-0"
        content = encode_commands([CancelAll("test", 1, "nobody", None)])
        await redis.execute_command("XADD", StreamKeys().commands, ahead, COMMANDS_FIELD, content)
    yield


@contextlib.asynccontextmanager
async def unsettled_option(site: AlertSite) -> AsyncIterator[None]:
    """Let an option end whose share nobody has traded."""
    now = datetime.now(UTC)
    terms = {
        "underlying": "SHARE",
        "right": "call",
        "strike": 100,
        "expiry": f"{now:%Y-%m-%d}",
        "expires_at": time.time_ns() // 1_000 + 2_000_000,
        "multiplier": 10,
        "at_expiry": "cash",
    }
    commands: list[Command] = [
        BeginAccounts("test", 1, "root", four_eyes=False),
        ListInstrument("test", 2, Instrument("SHARE")),
        ListInstrument("test", 3, Instrument("SHARE-C", "option", option=terms)),
    ]
    async with open_redis(site.stack.redis_url, "test") as redis:
        await redis.execute_command("XADD", StreamKeys().commands, "*", COMMANDS_FIELD, encode_commands(commands))
    await asyncio.sleep(3.0)
    yield


@contextlib.asynccontextmanager
async def ledger_away(site: AlertSite) -> AsyncIterator[None]:
    await _kill(site.ledger)
    yield


@contextlib.asynccontextmanager
async def locked_database(site: AlertSite) -> AsyncIterator[None]:
    """Hold the one lock that writers of an SQLite file need."""
    with contextlib.closing(sqlite3.connect(site.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(60.0)  # from then on the oldest packet is older than a minute
        yield


@contextlib.asynccontextmanager
async def held_for_ledger(site: AlertSite) -> AsyncIterator[None]:
    """Lock the database until most of what may be held is used."""
    with contextlib.closing(sqlite3.connect(site.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with open_redis(site.stack.redis_url, "test") as redis, asyncio.timeout(60.0):
            while await redis.xlen(StreamKeys().commands) < 1_700:  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.2)
            yield


@contextlib.asynccontextmanager
async def unwritten_packets(site: AlertSite) -> AsyncIterator[None]:
    """Trim both logs while the ledger stands still."""
    site.ledger.freeze()
    await asyncio.sleep(3.0)
    async with open_redis(site.stack.redis_url, "test") as redis:
        await redis.execute_command("XTRIM", StreamKeys().feed, "MAXLEN", "=", 1)
    site.ledger.thaw()
    yield


@contextlib.asynccontextmanager
async def refused_row(site: AlertSite) -> AsyncIterator[None]:
    """Have the database refuse what it has taken until now."""
    with contextlib.closing(sqlite3.connect(site.database, timeout=30, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER refuses BEFORE INSERT ON execution BEGIN SELECT RAISE(ABORT, 'refused'); END")
    yield


@contextlib.asynccontextmanager
async def killed_checkpoints(site: AlertSite) -> AsyncIterator[None]:
    """End the children that encode the market, as a machine without memory does."""
    leader = psutil.Process((await site.leader()).pid)

    def kill_children(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for child in leader.children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGKILL)

    await asyncio.to_thread(kill_children, 12.0)
    yield


async def _kill(child: Child) -> None:
    child.kill()
    while child.exit_status() is None:  # noqa: ASYNC110 - a process
        await asyncio.sleep(0.01)


async def _until_ready(site: AlertSite) -> None:
    async with asyncio.timeout(30.0):
        while not await site.stack.is_ready():  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _meanwhile(work: Callable[[], Any]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(work())
        try:
            yield
        finally:
            running.cancel()


@contextlib.asynccontextmanager
async def _connected(site: AlertSite, ports: list[int], count: int) -> AsyncIterator[None]:
    """Open so many connections of well-behaved clients at each port."""
    async with contextlib.AsyncExitStack() as connections:
        for port in ports:
            for number in range(count):
                token = site.stack.token(f"user-{port}-{number}")
                await connections.enter_async_context(_client(port, token))
        yield


@contextlib.asynccontextmanager
async def _client(port: int, token: str) -> AsyncIterator[None]:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"ws://127.0.0.1:{port}/v1/stream"
    async with asyncio.TaskGroup() as tasks:
        connection = await connect(url, additional_headers=headers, subprotocols=[Subprotocol(SUBPROTOCOLS[0])])
        reading = tasks.create_task(_read(connection))
        try:
            yield
        finally:
            reading.cancel()
            await connection.close()


async def _read(connection: ClientConnection) -> None:
    async for _message in connection:
        pass
