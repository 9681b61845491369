"""A market at a setting, and what it costs: the whole exchange in processes, a crowd of C users, one `Point` a look.

What scaling curves and goals have in common. Everything is on this machine: Redis, the engine, the gateways, who
trades (the demo's bots, or `benchmarks.deep_book`) and who listens (`benchmarks/fan_out/c/users.c`: every user checks
sequence and digest of every delta). A wrong digest or a gap ends the run with an error: no figure of a wrong market is
worth anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple
from urllib.request import urlopen

import psutil

from benchmarks.fan_out.users import CUsers, LatencyUs, Report, UsersPlan, write_hello
from openoutcry.wire.codec import Encoding
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from openoutcry.wire.types import QUANTITY_MAX
from outcry.flow.aio.command_writer import CommandWriter
from outcry.flow.aio.driver import read_listing
from outcry.flow.funding import blackout, funding
from outcry.stack.aio.child import RoleFailed
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import Interrupted, StopSignal
from outcry.stack.options import HOST, StackOptions
from outcry.stack.usage import MEBIBYTE

SOURCES: Final = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
"""Where users connect from: one address has some 28,000 free ports to one server."""
DRIVER_SECONDS_MAX: Final = 60.0
SETTLE_SECONDS_MAX: Final = 15.0
METRICS_SECONDS_MAX: Final = 5.0
MEMORY_SECONDS: Final = 0.25
SEED: Final = 1
RULED_S: Final = 86_400
"""How long the blackout lasts that a market with accounts has; longer than any run."""
EVERYONE_AT_ONCE: Final = {"OUTCRY_ACCEPTS_PER_SECOND": "100000", "OUTCRY_ACCEPTS_BURST": "100000"}
"""Of the gateways: the C users all come in the same second, and whoever is told to wait does not come again."""


class Setting(NamedTuple):
    """What market to run."""

    users: int = 1_000
    rate: float = 100
    """Book changes a second over all instruments."""
    gateways: int = 1
    instruments: int = 1
    levels: int = 0
    """A side, exactly (`benchmarks.deep_book`, one instrument); 0 lets bots make the book, some 35 a side."""
    listening_gateways: int | None = None
    """How many of the gateways, the last ones, have users; None is all."""
    subscribes: bool = True
    """Whether users follow the books; else they are connected and idle."""
    latency: Literal["published", "entered"] = "published"
    """What delays are measured from; `entered` needs stamped orders (`UsersPlan.latency`)."""
    slow_percent: float = 0.0
    """Share of users that never read once they are whole."""
    is_apart: bool = False
    """Whether users and gateway have a core each; of one gateway only. Else the kernel puts them together now and then:
    a reader is woken where the writer runs, and waits there; users elsewhere would not."""
    opening: int = 64
    """Handshakes under way at once."""
    accounts_of: int = 0
    """Keep accounts, and fund so many senders, `sender-00000` and on; 0: the market keeps none."""
    ledger: str | None = None
    """Database of a ledger that runs too, as `StackOptions.ledger`; its CPU is in no figure here."""
    warming_s: float = 1.0
    """Between the last user's opening and the first look."""


class Point(NamedTuple):
    """What was seen in some seconds."""

    seconds: float
    frames: int
    updates: int
    """Book changes conveyed: the sum over users of what seq advanced by."""
    deltas: int
    bytes: int
    latency_us: LatencyUs
    """From the engine's publishing to the user's receipt."""
    disconnects: int
    gateway_user_s: float
    """CPU of all gateways, like the next one."""
    gateway_system_s: float
    engine_s: float
    redis_s: float
    users_s: float
    """CPU of the C users, user and system."""
    gateway_rss_mib: float
    """Of one gateway at the end, the mean of all."""
    gateway_rss_mib_max: float
    """Of one gateway, the mean of all: the most that was seen, looking every MEMORY_SECONDS."""
    changes: int
    """Book changes published meanwhile."""

    @property
    def gateway_us(self) -> float:
        """CPU µs of the gateways for one frame delivered."""
        return 1e6 * (self.gateway_user_s + self.gateway_system_s) / max(self.frames, 1)


class Memory(NamedTuple):
    """Of one process, MiB."""

    rss: float
    uss: float
    """What would be free if it ended; shared libraries are left out."""


class MarketRun:
    """
    A running market.

    Args:
        setting: What it is.
        stack: Started.
        driver: Who trades; prepared and not started.
        users: Not open yet.
        stop: Ctrl-C.
    """

    def __init__(self, setting: Setting, stack: Stack, driver: RoleProcess, users: CUsers, stop: StopSignal) -> None:
        self.setting: Final = setting
        self.stack: Final = stack
        self.users: Final = users
        self._driver = driver
        self.open_s = 0.0
        """From the first connect until the last user was open and whole; 0 before `open_users`."""
        self._stop = stop

    async def open_users(self) -> None:
        """
        Connect everyone.

        Raises:
            UsersFailed: If somebody could not.
        """
        self.open_s = (await asyncio.to_thread(self.users.open_all)).seconds
        if self.setting.is_apart:
            first, second, *_ = range(psutil.cpu_count() or 1)
            psutil.Process(self.stack.gateways[0].pid).cpu_affinity([first])
            psutil.Process(self.users.pid).cpu_affinity([second])

    def trade(self) -> None:
        """Let the driver begin."""
        self._driver.tell("start")

    def set_rate(self, rate: float) -> None:
        """Let the bots trade at another rate from now on."""
        self._driver.tell("rate", rate=rate)

    async def wait(self, seconds: float) -> None:
        """
        Let time pass.

        Raises:
            Interrupted: At Ctrl-C.
        """
        if await self._stop.wait(seconds):
            raise Interrupted

    async def look(self, seconds: float) -> Point:
        """
        Measure for so long.

        Raises:
            RoleFailed: If a user saw a gap or a wrong digest.
        """
        changes = await self._changes()
        before = self.cpu_used()
        self.users.reset()
        rss_max = await self._watch_memory(seconds)
        report = self.users.report()
        after = self.cpu_used()
        self._check(report)
        used = {name: after[name] - before[name] for name in after}
        return Point(
            seconds=report.seconds,
            frames=report.frames,
            updates=report.updates,
            deltas=report.deltas,
            bytes=report.bytes,
            latency_us=report.latency_us,
            disconnects=report.disconnects,
            gateway_user_s=used["gateway user"],
            gateway_system_s=used["gateway system"],
            engine_s=used["engine"],
            redis_s=used["redis"],
            users_s=report.cpu_user_s + report.cpu_system_s,
            gateway_rss_mib=self._rss_mib(),
            gateway_rss_mib_max=max(rss_max, self._rss_mib()),
            changes=await self._changes() - changes,
        )

    def memory(self) -> list[Memory]:
        """Measure each gateway."""
        found = [psutil.Process(child.pid).memory_full_info() for child in self.stack.gateways]
        return [Memory(info.rss / MEBIBYTE, info.uss / MEBIBYTE) for info in found]

    async def gateway_count(self, metric: str) -> float:
        """Return what the gateways have counted under a metric's name, all its labels and all gateways summed."""
        pages = [await asyncio.to_thread(_metrics, port) for port in self.stack.ports]
        lines = [line.rpartition(" ") for page in pages for line in page.splitlines()]
        return sum(float(value) for name, _, value in lines if name.partition("{")[0] == metric)

    async def settle(self) -> None:
        """
        Stop the driver, and see that all users come to hold the same books.

        Raises:
            RoleFailed: If they do not.
        """
        final = await self._driver.ask("stop", "stats", DRIVER_SECONDS_MAX)
        give_up = asyncio.get_running_loop().time() + SETTLE_SECONDS_MAX
        while True:
            report = self.users.report()
            if _is_settled(report, final["seqs"]):
                return
            if asyncio.get_running_loop().time() > give_up:
                raise RoleFailed(f"the users do not agree with the feed ({final['seqs']}): {report.books[:10]}")
            await self.wait(0.05)

    async def _watch_memory(self, seconds: float) -> float:
        """Let time pass, and return the greatest RSS of a gateway meanwhile, MiB."""
        end = asyncio.get_running_loop().time() + seconds
        most = 0.0
        while (left := end - asyncio.get_running_loop().time()) > 0:
            await self.wait(min(left, MEMORY_SECONDS))
            most = max(most, self._rss_mib())
        return most

    def _rss_mib(self) -> float:
        """Return the mean of the gateways."""
        rss: list[int] = [psutil.Process(child.pid).memory_info().rss for child in self.stack.gateways]
        return sum(rss) / len(rss) / MEBIBYTE

    def cpu_used(self) -> dict[str, float]:
        """Return CPU seconds so far: gateway user, gateway system (of all of them), engine, redis."""
        gateways = [psutil.Process(child.pid).cpu_times() for child in self.stack.gateways]
        assert self.stack.engine is not None
        return {
            "gateway user": sum(used.user for used in gateways),
            "gateway system": sum(used.system for used in gateways),
            "engine": self.stack.engine.usage().cpu_seconds,
            "redis": self.stack.redis.child.usage().cpu_seconds if self.stack.redis else 0.0,
        }

    async def _changes(self) -> int:
        changes: int = (await self._driver.ask("stats", "stats"))["changes"]
        return changes

    def _check(self, report: Report) -> None:
        faults = report.faults
        faults.pop("disconnects", None)  # a market may be too fast; that is a figure
        if faults:
            raise RoleFailed(f"the users saw {faults}\n{self._gateway_logs()}")

    def _gateway_logs(self) -> str:
        return "\n".join(f"  {child.name}:\n{child.log_tail()}" for child in self.stack.gateways)


@contextlib.asynccontextmanager
async def market(setting: Setting) -> AsyncIterator[MarketRun]:
    """
    Run a market; all its processes are gone at the end. The driver is prepared, the users are not open yet.

    Raises:
        NoCompiler: If the C users cannot be built.
        RoleFailed: If a part does not come up.
    """
    allow_open_files(setting.users)
    stop = StopSignal()
    with private_folder() as folder:
        listing = _write_listing(folder, setting.instruments)
        options = _stack_options(setting, listing)
        with Stack(options, folder, _say_nothing, gateway_settings=EVERYONE_AT_ONCE) as stack:
            await stack.start(stop)
            if setting.accounts_of:
                await _fund(stack.redis_url, setting)
            with await _prepared_driver(setting, stack) as driver, CUsers(_plan(setting, stack)) as users:
                yield MarketRun(setting, stack, driver, users, stop)


@contextlib.asynccontextmanager
async def open_market(setting: Setting) -> AsyncIterator[MarketRun]:
    """Run a market as `market` does, with all users open, trading and warm."""
    async with market(setting) as run:
        await run.open_users()
        run.trade()
        await run.wait(setting.warming_s)
        yield run


async def _fund(redis_url: str, setting: Setting) -> None:
    """Begin accounts, and give senders and the book's makers money, lots, limits, groups, and a blackout of one."""
    listing = await read_listing(redis_url)
    senders = [f"sender-{number:05}" for number in range(setting.accounts_of)]
    makers = [f"deep-{number}" for number in range(2 * setting.levels)]
    numbers = itertools.count(1)
    commands = funding(listing, {"senders": senders, "makers": makers}, "funding", numbers)
    # A fifth of the senders are insiders: the rule is in their gates, and closes what nobody trades here.
    commands.append(blackout(listing[0].symbol, "funding", next(numbers), time.time_ns() // 1_000, RULED_S))
    writer = CommandWriter(redis_url, "funding")
    try:
        await writer.append(commands)
    finally:
        await writer.aclose()


async def _prepared_driver(setting: Setting, stack: Stack) -> RoleProcess:
    """Start who trades, and return when the books are filled; the caller ends it."""
    if setting.levels:
        driver = RoleProcess("driver", "benchmarks.deep_book", stack.folder)
        what: dict[str, object] = {"role": "deep", "levels": setting.levels}
    else:
        driver = RoleProcess("driver", "outcry.flow", stack.folder)
        what = {"role": "bots", "hot": False}
    try:
        await driver.start(redis_url=stack.redis_url, rate=setting.rate, seed=SEED, **what)
        await driver.hear("ready", DRIVER_SECONDS_MAX)
    except BaseException:
        driver.child.stop()
        for child in (*stack.essential, *stack.gateways):
            child.check_alive()  # whoever ended is why
        raise
    return driver


def write_tokens(stack: Stack, users: int) -> Path:
    """Write a token for each user, one a line."""
    path = stack.folder / "tokens"
    path.touch(mode=0o600)
    path.write_text("".join(f"{stack.token(f'user-{number:05}')}\n" for number in range(users)))
    return path


def targets(stack: Stack) -> tuple[str, ...]:
    """Return where the gateways listen, `host:port`."""
    return tuple(f"{HOST}:{port}" for port in stack.ports)


def _plan(setting: Setting, stack: Stack) -> UsersPlan:
    instruments = [EVERY_INSTRUMENT] if setting.instruments > 1 else [symbol(0)]
    request = {"op": "subscribe", "id": 1, "channel": "book", "instruments": instruments}
    return UsersPlan(
        connect=targets(stack)[-(setting.listening_gateways or setting.gateways) :],
        users=setting.users,
        check="book",
        subprotocol=Encoding.MSGPACK.value,
        tokens=write_tokens(stack, setting.users),
        opening=setting.opening,
        source=SOURCES,
        hello=write_hello(stack.folder / "hello", *([request] if setting.subscribes else [])),
        books=setting.instruments if setting.subscribes else 0,
        slow_percent=setting.slow_percent,
        latency=setting.latency,
    )


def symbol(number: int) -> str:
    """Return the name of an instrument, from 0."""
    return f"S{number:04}"


def _metrics(port: int) -> str:
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=METRICS_SECONDS_MAX) as answer:
        page: bytes = answer.read()
        return page.decode()


def _stack_options(setting: Setting, listing: Path) -> StackOptions:
    return StackOptions(
        gateways=setting.gateways, redis_url=None, port=None, instruments_file=listing, ledger=setting.ledger
    )


def _write_listing(folder: Path, instruments: int) -> Path:
    path = folder / "instruments.json"
    rows = [{"symbol": symbol(number), "quantity_max": QUANTITY_MAX} for number in range(instruments)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def _is_settled(report: Report, seqs: Mapping[str, int]) -> bool:
    """Whether all users hold one and the same position of each book, and the feed's."""
    held = {book.instrument: book.seq for book in report.books}
    return (
        len(held) == len(report.books)
        and all(book.users == report.open for book in report.books)
        and all(held.get(name) == seq for name, seq in seqs.items())
    )


def _say_nothing(_: str) -> None:
    """The stack's progress is no part of a benchmark's."""
