"""`python -m benchmarks.ledger.keep_up [--postgres URL]`: does a running market's ledger keep up, and what it costs it.

A whole exchange gets orders at a rate that nothing holds up, without a ledger and with one, in turns, each time a new
market. The lag is seen from outside: how long ago the oldest packet was published that is behind the place that the
ledger has told the store. After the orders the ledger must come to the feed's end, or there is no table.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, cast

import psutil
from redis import Redis

from benchmarks.command import parser, progress, tell
from benchmarks.goals.order_path import ORDERS_SETTING, WIDTH, send
from benchmarks.goals.order_senders import OrderSenders, OrdersReport, crossing_orders
from benchmarks.ledger.__main__ import empty
from benchmarks.market_run import MarketRun, market
from benchmarks.measure import machine, spread
from benchmarks.table import Cell, Table
from outcry.stack.aio.child import Child, RoleFailed
from outcry.stack.options import IN_FOLDER
from outcry.stack.usage import MEBIBYTE
from services.ledger.aio.database import database_url
from services.ledger.aio.proof_keys import add_signing_key
from shared.aio.settings import variable
from shared.logs.ledger_place import decode_ledger_place
from shared.logs.stream_keys import PUBLISHED_FIELD, StreamKeys

RATE: Final = 10_000.0
SECONDS: Final = 20.0
TURNS: Final = 3
SENDERS: Final = 1_000
LOOK_S: Final = 0.1
"""Between two looks at the lag and the memory."""
WRITTEN_WITHIN_S: Final = 60.0
"""After the last order."""
NOBODY: Final = "none"


class Size(NamedTuple):
    """How much to measure."""

    turns: int
    rate: float
    """Orders a second."""
    seconds: float
    users: int
    places: Sequence[bool]
    """Whether the ledger has a core of its own."""


TINY: Final = Size(turns=1, rate=200.0, seconds=0.5, users=20, places=(True,))


class Look(NamedTuple):
    """What one market came to."""

    report: OrdersReport
    exchange_us: float
    """CPU µs of gateways, engine and Redis for one order sent."""
    ledger_us: float
    """Likewise of the ledger's process."""
    lags_s: Sequence[float]
    """Of each look while orders came, and until all was written."""
    memory_mib: float
    """Of the ledger's process, at most."""

    @property
    def rate(self) -> float:
        """Orders accepted a second."""
        return self.report.accepted / self.report.seconds


class LagWatch:
    """
    Looks at a ledger in a thread of its own; a context manager that ends it.

    Args:
        redis_url: The store's.
        ledger: The process.
    """

    def __init__(self, redis_url: str, ledger: Child) -> None:
        self.lags_s: list[float] = []
        self.memory_mib = 0.0
        self._ledger = psutil.Process(ledger.pid)
        self._store = Redis.from_url(redis_url)
        self._keys = StreamKeys()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, name="lag")

    def look(self) -> float:
        """Return how long ago the oldest packet was published that is not written, s; 0: all is written."""
        told = cast("bytes | None", self._store.get(self._keys.ledger))
        behind = f"({decode_ledger_place(told).feed_id}" if told else "-"
        found = cast("list[tuple[bytes, dict[bytes, bytes]]]", self._store.xrange(self._keys.feed, behind, "+", 1))
        return max(0.0, time.time() - int(found[0][1][PUBLISHED_FIELD]) / 1e6) if found else 0.0

    def _look_again_and_again(self) -> None:
        while not self._ended.wait(LOOK_S):
            self.lags_s.append(self.look())
            self.memory_mib = max(self.memory_mib, self._ledger.memory_info().rss / MEBIBYTE)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._store.close()


async def see(database: str | None, rate: float, seconds: float, users: int, *, is_apart: bool) -> Look:
    """
    Run one market.

    Args:
        database: Of the ledger; None runs none.
        rate: Orders a second.
        seconds: For how long.
        users: Who send them.
        is_apart: Whether the second core is the ledger's alone, or nobody's if there is none, and all others share the
            first one. PostgreSQL's own processes run where the kernel puts them.

    Raises:
        RoleFailed: If the ledger does not come to the feed's end.
    """
    async with market(ORDERS_SETTING._replace(accounts_of=users, ledger=database)) as run:
        await run.open_users()
        with OrderSenders(run, users, ORDERS_SETTING.gateways, crossing_orders(WIDTH)) as senders:
            await senders.open()
            if is_apart:
                _put_apart(run, senders)
            await send(senders, rate, min(1.0, seconds))
            ledger = run.stack.ledger
            if ledger is None:
                return await _look(run, senders, rate, seconds)
            before = ledger.usage().cpu_seconds
            with LagWatch(run.stack.redis_url, ledger) as watch:
                found = await _look(run, senders, rate, seconds)
                await _until_written(watch)
            used = 1e6 * (ledger.usage().cpu_seconds - before) / found.report.sent
            return found._replace(ledger_us=used, lags_s=watch.lags_s, memory_mib=watch.memory_mib)


async def _look(run: MarketRun, senders: OrderSenders, rate: float, seconds: float) -> Look:
    before = sum(run.cpu_used().values())
    report = await send(senders, rate, seconds)
    return Look(report, 1e6 * (sum(run.cpu_used().values()) - before) / report.sent, 0.0, (), 0.0)


async def _until_written(watch: LagWatch) -> None:
    until = time.monotonic() + WRITTEN_WITHIN_S
    seen = len(watch.lags_s)
    while 0.0 not in watch.lags_s[seen:]:
        if time.monotonic() > until:
            raise RoleFailed(f"the ledger is {watch.lags_s[-1]:.1f} s behind, {WRITTEN_WITHIN_S:g} s after the orders")
        await asyncio.sleep(LOOK_S)


def _put_apart(run: MarketRun, senders: OrderSenders) -> None:
    cores = sorted(os.sched_getaffinity(0))
    first, second = cores[0], cores[-1]  # one and the same if there is but one
    ledger = run.stack.ledger
    others = [child.pid for child in run.stack.parts if child is not ledger]
    for pid in (*others, run.users.pid, senders.pid):
        _put_on(pid, first)
    if ledger is not None:
        _put_on(ledger.pid, second)


def _put_on(pid: int, core: int) -> None:
    """Put a process on a core: each of its threads, since the kernel knows only those."""
    for thread in psutil.Process(pid).threads():
        os.sched_setaffinity(thread.id, {core})


def measure(size: Size, postgres: str | None) -> Table:
    """Return a row for each ledger and each sharing of the cores; ledgers take turns."""
    turns, rate, seconds, users, places = size
    names = (NOBODY, "SQLite", *(("PostgreSQL",) if postgres else ()))
    found: dict[tuple[bool, str], list[Look]] = {key: [] for key in itertools.product(places, names)}
    for is_apart, turn, name in itertools.product(places, range(turns), names):
        progress(f"turn {turn + 1} of {turns}, ledger: {_title(name, is_apart=is_apart)}")
        database = {NOBODY: None, "SQLite": IN_FOLDER}.get(name, postgres)
        if name == "PostgreSQL":
            empty(database_url(postgres or ""))
        found[is_apart, name].append(asyncio.run(see(database, rate, seconds, users, is_apart=is_apart)))
    return Table(
        "ledger-keep-up",
        f"A ledger keeps up with {rate:,.0f} orders/s of {users:,} users, offered for {seconds:g} s in an open loop: "
        "half of them rest, half trade with these. Without a ledger and with one, in turns. *Apart*: the ledger has a "
        "core of its own, all others share the other one, with or without a ledger.",
        [
            "ledger",
            "accepted/s",
            "% fewer than without",
            "p50 ms",
            "exchange µs an order",
            "ledger µs an order",
            "lag p50 s",
            "lag at most s",
            "MiB at most",
        ],
        [_row(key, looks, found[key[0], NOBODY]) for key, looks in found.items()],
    )


def _title(name: str, *, is_apart: bool) -> str:
    return f"{name}, apart" if is_apart else name


def _row(key: tuple[bool, str], looks: Sequence[Look], without: Sequence[Look]) -> list[Cell]:
    is_apart, name = key
    row: list[Cell] = [
        _title(name, is_apart=is_apart),
        spread(look.rate for look in looks),
        "",
        spread(look.report.latency_us.p50 / 1000 for look in looks),
        spread(look.exchange_us for look in looks),
        *[""] * 4,
    ]
    if name != NOBODY:
        row[2] = spread(100 * (1 - one.rate / other.rate) for one, other in zip(looks, without, strict=True))
        row[5:] = [
            spread(look.ledger_us for look in looks),
            spread(statistics.median(look.lags_s) for look in looks),
            max(max(look.lags_s) for look in looks),
            f"{max(look.memory_mib for look in looks):.0f}",
        ]
    return row


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    options = parser("Measure whether the ledger keeps up with a running market.")
    options.add_argument("--rate", type=float, default=RATE, help="orders a second (%(default)g)")
    options.add_argument("--seconds", type=float, default=SECONDS, help="of each look (%(default)g)")
    options.add_argument("--turns", type=int, default=TURNS)
    options.add_argument("--postgres", help="a database that is emptied: postgresql://USER@HOST:PORT/DATABASE")
    given: Any = options.parse_args(arguments)
    where = machine()
    size = TINY if given.tiny else Size(given.turns, given.rate, given.seconds, SENDERS, (False, True))
    with tempfile.TemporaryDirectory() as folder:
        add_signing_key(Path(folder) / "keys")
        os.environ[variable("ledger_keys")] = str(Path(folder) / "keys")
        table = measure(size, given.postgres)
    tell([("python -m benchmarks.ledger.keep_up", table)], where, given)


if __name__ == "__main__":
    main()
