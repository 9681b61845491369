"""`python -m benchmarks.straight_writes`: one frame to many sockets, by transports, by calls for each, and by io_uring.

Everything is on 127.0.0.1: a process that reads and forgets, and one that writes a frame to every connection every
10 ms, on uvloop, as a gateway does; the ways take turns. Only the writing is measured. Where io_uring is forbidden, its
row is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import resource
import selectors
import socket
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from typing import Final, cast

import uvloop

from benchmarks.command import run
from benchmarks.measure import Effort, in_new_process, spread
from benchmarks.table import Cell, Table
from openoutcry.wire.codec import Encoding
from outcry.stack.aio.open_files import allow_open_files
from services.gateway.aio.direct_write import write_to_all
from services.gateway.aio.ring_write import SendRing
from services.gateway.broadcast import Broadcast, Part, write_by_transports
from services.gateway.rotation import Rotation
from services.gateway.subscriber import Subscriber

CONNECTIONS: Final = 1_000
FLUSHES: Final = 300
RUNS_MAX: Final = 3
PAUSE_S: Final = 0.01
CONNECT_S: Final = 30.0
FRAME: Final = bytes(44)
"""As large as a delta of one level with its header."""

RING: Final = "ring"


def _by_ring(parts: Sequence[Part], start: int) -> Sequence[Subscriber]:
    return _ring()(parts, start)


def _may_ring() -> bool:
    try:
        SendRing().close()
    except OSError:
        return False
    return True


@functools.cache
def _ring() -> SendRing:
    """Return the ring of this process: of the one that writes."""
    return SendRing()


WAYS: Final[dict[str, Broadcast]] = {"transports": write_by_transports, "straight": write_to_all, RING: _by_ring}
TITLES: Final = {
    "transports": "`write` of uvloop's transports",
    "straight": "`services.gateway.aio.direct_write`",
    RING: "`services.gateway.aio.ring_write`",
}

Used = tuple[float, float]
"""CPU µs a delivery, user and system."""


def measure(effort: Effort) -> list[Table]:
    """Return one row for each way."""
    connections, flushes = effort.cases(CONNECTIONS, 5), effort.cases(FLUSHES, 3)
    ways = [way for way in WAYS if way != RING or _may_ring()]
    found: dict[str, list[Used]] = {way: [] for way in ways}
    for _ in range(min(effort.runs, RUNS_MAX)):
        for way in ways:
            found[way].append(in_new_process(_look, way, connections, flushes))
    return [
        Table(
            "straight-writes",
            f"CPU µs a delivery of a process that writes one frame of {len(FRAME)} bytes to {connections:,} sockets "
            f"every {PAUSE_S * 1000:g} ms.",
            ["written through", "user µs", "system µs"],
            [_row(TITLES[way], found[way]) for way in ways],
        )
    ]


def _row(title: str, found: list[Used]) -> list[Cell]:
    return [title, spread(user for user, _ in found), spread(system for _, system in found)]


def _look(way: str, connections: int, flushes: int) -> Used:
    allow_open_files(connections)
    return uvloop.run(_write(WAYS[way], connections, flushes))


async def _write(way: Broadcast, connections: int, flushes: int) -> Used:
    listeners: dict[Subscriber, int] = {}
    all_there = asyncio.Event()

    class Listener(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            descriptor = transport.get_extra_info("socket").fileno()
            # uvloop's transports are no subclasses of asyncio's
            listeners[Subscriber("", Encoding.MSGPACK, cast("asyncio.Transport", transport))] = descriptor
            if len(listeners) == connections:
                all_there.set()

    server = await asyncio.get_running_loop().create_server(Listener, "127.0.0.1", 0, backlog=4096)
    with _reader(server.sockets[0].getsockname()[1], connections):
        async with asyncio.timeout(CONNECT_S):
            await all_there.wait()
        before = resource.getrusage(resource.RUSAGE_SELF)
        rotation = Rotation()
        for _ in range(flushes):
            way([(FRAME, listeners)], rotation.start(connections))
            await asyncio.sleep(PAUSE_S)
        after = resource.getrusage(resource.RUSAGE_SELF)
        server.close()
    deliveries = flushes * connections
    return 1e6 * (after.ru_utime - before.ru_utime) / deliveries, 1e6 * (after.ru_stime - before.ru_stime) / deliveries


@contextlib.contextmanager
def _reader(port: int, connections: int) -> Iterator[None]:
    """Run a process that connects so many times, and reads and forgets."""
    process = get_context("spawn").Process(target=_read, args=(port, connections), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _read(port: int, connections: int) -> None:
    allow_open_files(connections)
    with contextlib.ExitStack() as ends, selectors.DefaultSelector() as selector:
        for _ in range(connections):
            end = ends.enter_context(socket.create_connection(("127.0.0.1", port)))
            selector.register(end, selectors.EVENT_READ, end)
        while selector.get_map():
            for key, _ in selector.select():
                if not key.data.recv(1 << 16):
                    selector.unregister(key.data)


if __name__ == "__main__":
    run({"benchmarks.straight_writes": measure})
