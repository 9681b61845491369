"""`python -m benchmarks.ledger.catch_up [--postgres URL]`: the ledger's own process reads a full store to its end.

A real store holds both logs of a recorded market. The process `outcry ledger run` begins with an empty database, and
its place in the store is looked at until it is the last packet's. Databases take turns. What is timed begins with the
first transaction, so the start of a process is not in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
from redis import Redis

from benchmarks.command import parser, progress, tell
from benchmarks.ledger.__main__ import Recorded, empty, record_market
from benchmarks.measure import machine, spread
from benchmarks.table import Cell, Table
from outcry.stack.aio.local_redis import LocalRedis
from services.ledger.aio.database import database_url
from services.ledger.aio.migration import migrate
from services.ledger.command_block import StoredEntry
from shared.aio.settings import variable
from shared.logs.feed_entry import decode_feed_entry
from shared.logs.ledger_place import decode_ledger_place
from shared.logs.stream_keys import StreamKeys

COMMANDS: Final = 200_000
TINY_COMMANDS: Final = 12_000
TURNS: Final = 3
LOOK_S: Final = 0.01
"""Between two looks at the place."""
ENDS_WITHIN_S: Final = 300.0
APPENDED_AT_ONCE: Final = 1_000


class Caught(NamedTuple):
    """One run: what was done from the first transaction on."""

    events: float
    seconds: float
    cpu_seconds: float
    """Of the ledger's process; PostgreSQL's are its own."""
    memory_bytes: int
    """Resident, at most."""


def fill_store(store: Redis, market: Recorded, keys: StreamKeys) -> int:
    """Append both logs; return how many events the packets hold."""
    for stream, entries in ((keys.commands, market.entries), (keys.feed, market.feed)):
        for first in range(0, len(entries), APPENDED_AT_ONCE):
            _append(store, stream, entries[first : first + APPENDED_AT_ONCE])
    packets = [decode_feed_entry(keys.feed, *entry).packet for entry in market.feed]
    return sum(len(p.outcomes) + len(p.executions) + len(p.trades) + len(p.transfers) for p in packets)


def catch_up(url: str, database: str, folder: Path, events: int, last: int) -> Caught:
    """
    Start a ledger, and wait until its place is the last packet's.

    Args:
        url: The store's.
        database: The ledger's, with tables, or an SQLite file that is not there.
        folder: With its keys, and the secret of tokens.
        events: In the whole log, which are taken to be spread evenly over its positions.
        last: Position of the last packet.

    Raises:
        RuntimeError: If the ledger ends before, or does not come to the end in time.
    """
    keys, store = StreamKeys(), Redis.from_url(url)
    store.delete(keys.ledger)
    settings = {
        "redis_url": url,
        "ledger_database": database,
        "ledger_keys": str(folder / "keys"),
        "log_level": "error",
    }
    environment = os.environ | {variable(name): value for name, value in settings.items()}
    command = [sys.executable, "-m", "outcry", "ledger", "run", "--port", "0", "--secret-file", str(folder / "secret")]
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - our own program
        try:
            used = psutil.Process(process.pid)
            until, first, memory = time.monotonic() + ENDS_WITHIN_S, None, 0
            while time.monotonic() < until:
                time.sleep(LOOK_S)
                if process.poll() is not None:
                    raise RuntimeError(f"the ledger ended with status {process.returncode}")
                now, memory = time.perf_counter(), max(memory, used.memory_info().rss)
                told = store.get(keys.ledger)
                if not isinstance(told, bytes):
                    continue
                position, cpu = decode_ledger_place(told).feed_id.position, sum(used.cpu_times()[:2])
                if first is None:
                    first = position, now, cpu
                if position >= last:
                    share = (position - first[0]) / position
                    return Caught(events * share, now - first[1], cpu - first[2], memory)
            raise RuntimeError(f"the ledger did not come to the end within {ENDS_WITHIN_S:.0f} s")
        finally:
            process.terminate()


def measure(market: Recorded, turns: int, postgres: str | None) -> Table:
    """Return one row for each database."""
    names = ("SQLite", "PostgreSQL") if postgres else ("SQLite",)
    found: dict[str, list[Caught]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as made, LocalRedis(Path(made)) as redis:
        folder = Path(made)
        (folder / "secret").write_text("benchmark " * 8)
        keys_made = [sys.executable, "-m", "outcry", "ledger", "keys", "new", str(folder / "keys")]
        subprocess.run(keys_made, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
        events = fill_store(Redis.from_url(redis.url), market, StreamKeys())
        for turn in range(turns):
            for name in names:
                progress(f"turn {turn + 1} of {turns}, {name}")
                database = f"sqlite:///{folder / f'{turn}.db'}" if name == "SQLite" else postgres or ""
                if name != "SQLite":
                    empty(database_url(database))
                    migrate(database_url(database))
                found[name].append(catch_up(redis.url, database, folder, events, market.commands))
    rows: list[list[Cell]] = [
        [
            name,
            spread([run.events / run.seconds for run in runs]),
            spread([run.events / run.cpu_seconds for run in runs]),
            f"{max(run.memory_bytes for run in runs) / (1 << 20):.0f}",
        ]
        for name, runs in found.items()
    ]
    columns = ["database", "events a second", "events a second of its processor time", "MiB at most"]
    title = "The ledger's process catches up with a store that holds both logs: reading, all tables, commands, proofs."
    return Table("ledger-catch-up", title, columns, rows)


def _append(store: Redis, stream: str, entries: Sequence[StoredEntry]) -> None:
    pipeline = store.pipeline(transaction=False)
    for entry_id, fields in entries:
        values: dict[Any, Any] = dict(fields)
        pipeline.xadd(stream, values, id=entry_id)
    pipeline.execute()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    options = parser("Measure how fast the ledger's process catches up.")
    options.add_argument("--commands", type=int, default=COMMANDS)
    options.add_argument("--turns", type=int, default=TURNS)
    options.add_argument("--postgres", help="a database that is emptied: postgresql://USER@HOST:PORT/DATABASE")
    given = options.parse_args(arguments)
    where = machine()
    progress("recording a market")
    market = record_market(TINY_COMMANDS if given.tiny else given.commands)
    tell(
        [("python -m benchmarks.ledger.catch_up", measure(market, 1 if given.tiny else given.turns, given.postgres))],
        where,
        given,
    )


if __name__ == "__main__":
    main()
