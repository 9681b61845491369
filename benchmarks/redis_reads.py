"""`python -m benchmarks.redis_reads`: CPU of one read of a stream, through redis-py and through our line.

Cold: a reader that sleeps until an entry comes, one every 10 ms, as a gateway of a calm market does; what the machine
does meanwhile is gone from its caches. Hot: one read after the other. The reader is a process of its own on uvloop, as
the services are; the two ways take turns. Needs a Redis or Valkey server.
"""

from __future__ import annotations

import resource
import tempfile
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

import uvloop
from redis import Redis as SyncRedis

from benchmarks.command import run
from benchmarks.measure import Effort, in_new_process, spread
from benchmarks.table import Cell, Table
from outcry.stack.aio.local_redis import LocalRedis
from shared.aio.redis_connection import StreamEntry, open_redis, read_stream
from shared.aio.redis_line import RedisLine

STREAM: Final = "s"
PACKET: Final = b"x" * 200
ENTRIES_MAX: Final = 1_000
PAUSE_S: Final = 0.01
COLD_READS: Final = 300
HOT_READS: Final = 3_000
RUNS_MAX: Final = 3
WAYS: Final = ("redis-py", "line")

Read = Callable[[str, int | None], Awaitable[list[StreamEntry]]]
"""Reads one entry after an id, waiting for it or (None) not."""


class Used(NamedTuple):
    """CPU µs of one read."""

    user: float
    system: float


def measure(effort: Effort) -> list[Table]:
    """Return one row for each way."""
    cold_reads, hot_reads = effort.cases(COLD_READS, 5), effort.cases(HOT_READS, 5)
    cold: dict[str, list[Used]] = {way: [] for way in WAYS}
    hot: dict[str, list[Used]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder, LocalRedis(Path(folder)) as redis:
        stop = threading.Event()
        writer = threading.Thread(target=_write, args=(redis.url, stop))
        _add(redis.url)
        writer.start()
        try:
            for _ in range(min(effort.runs, RUNS_MAX)):
                for way in WAYS:
                    cold[way].append(in_new_process(_read_cold, way, redis.url, cold_reads))
                    hot[way].append(in_new_process(_read_hot, way, redis.url, hot_reads))
        finally:
            stop.set()
            writer.join()
    return [
        Table(
            "redis-reads",
            f"CPU µs of a process to read one entry of {len(PACKET)} bytes from a stream: cold, one every "
            f"{PAUSE_S * 1000:g} ms, asleep in between; hot, one after the other.",
            ["read through", "cold, user", "cold, system", "hot, user", "hot, system"],
            [_row(way, cold[way], hot[way]) for way in WAYS],
        )
    ]


def _row(way: str, cold: list[Used], hot: list[Used]) -> list[Cell]:
    name = {"redis-py": "redis-py, `xread`", "line": "`shared.aio.redis_line`"}[way]
    sides = [[used.user for used in cold], [used.system for used in cold]]
    sides += [[used.user for used in hot], [used.system for used in hot]]
    return [name, *(spread(values) for values in sides)]


def _add(url: str) -> None:
    with SyncRedis.from_url(url) as redis:
        redis.xadd(STREAM, {b"p": PACKET})


def _write(url: str, stop: threading.Event) -> None:
    """Append an entry every PAUSE_S."""
    with SyncRedis.from_url(url) as redis:
        while not stop.wait(PAUSE_S):
            redis.xadd(STREAM, {b"p": PACKET}, maxlen=ENTRIES_MAX)


def _read_cold(way: str, url: str, reads: int) -> Used:
    async def follow(read: Read) -> Used:
        last = "$"
        for number in range(reads + 1):
            if number == 1:
                before = resource.getrusage(resource.RUSAGE_SELF)
            [(entry_id, _)] = await read(last, 1000)
            last = entry_id.decode()
        return _used(before, reads)

    return uvloop.run(_through(way, url, follow))


def _read_hot(way: str, url: str, reads: int) -> Used:
    async def repeat(read: Read) -> Used:
        await read("0", None)
        before = resource.getrusage(resource.RUSAGE_SELF)
        for _ in range(reads):
            await read("0", None)
        return _used(before, reads)

    return uvloop.run(_through(way, url, repeat))


async def _through(way: str, url: str, measured: Callable[[Read], Awaitable[Used]]) -> Used:
    async with open_redis(url, "benchmark") as redis:
        line = RedisLine(redis)

        async def by_line(after: str, block_ms: int | None) -> list[StreamEntry]:
            return await line.read_stream(STREAM, after, 1, block_ms)

        async def by_redis_py(after: str, block_ms: int | None) -> list[StreamEntry]:
            return await read_stream(redis, STREAM, after, 1, block_ms)

        return await measured(by_line if way == "line" else by_redis_py)


def _used(before: resource.struct_rusage, reads: int) -> Used:
    after = resource.getrusage(resource.RUSAGE_SELF)
    return Used(1e6 * (after.ru_utime - before.ru_utime) / reads, 1e6 * (after.ru_stime - before.ru_stime) / reads)


if __name__ == "__main__":
    run({"benchmarks.redis_reads": measure})
