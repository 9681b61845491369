"""`python -m benchmarks.fairness`: who hears first of 1,000 users, in the order of joining and by turns.

Everything is on 127.0.0.1: a process that reads and notes how late each connection hears, and one that runs
`MarketDataService` on uvloop and flushes a change to every connection every 10 ms, as a gateway does. The two orders
take turns. One user has eight connections; told is the mean delay of the one that heard first of each change.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final, cast

import uvloop

from benchmarks.command import run
from benchmarks.measure import Effort, in_new_process, spread
from benchmarks.table import Cell, Table
from openoutcry.wire.codec import Encoding
from outcry.stack.aio.open_files import allow_open_files
from services.gateway.aio.direct_write import write_to_all
from services.gateway.broadcast import Part
from services.gateway.rotation import Places, Rotation
from services.gateway.subscriber import Subscriber

USERS: Final = 1_000
CONNECTIONS_OF_ONE: Final = 8
FLUSHES: Final = 1_000
RUNS_MAX: Final = 3
PACE_S: Final = 0.01
CONNECT_S: Final = 30.0
STAMP: Final = struct.Struct("<q")
FRAME_BYTES: Final = 44
"""As large as a delta of one level with its header; it begins with when its flush began, ns."""
ORDERS: Final = {"joining": "in the order of joining", "turns": "by turns, one place a user"}

Found = tuple[float, float, float, float]
"""ms: 5th, 50th and 95th percentile of the users' own mean delays; mean of the first of the eight."""


def measure(effort: Effort) -> list[Table]:
    """Return one row for each order."""
    users, flushes = effort.cases(USERS, 20), effort.cases(FLUSHES, 5)
    found: dict[str, list[Found]] = {order: [] for order in ORDERS}
    for _ in range(min(effort.runs, RUNS_MAX)):
        for order in ORDERS:
            found[order].append(in_new_process(_look, order, users, flushes))
    return [
        Table(
            "fairness",
            f"Users' own mean delays, ms, over {flushes:,} flushes {PACE_S * 1000:g} ms apart to {users:,} users. "
            f"Beside them, by how much the 95th percentile is above the 5th, and the first of a user's "
            f"{CONNECTIONS_OF_ONE} connections against the median user.",
            ["a flush goes round", "p5", "p50", "p95", "p95 above p5, %", f"first of {CONNECTIONS_OF_ONE}, % of p50"],
            [_row(ORDERS[order], found[order]) for order in ORDERS],
        )
    ]


def _row(title: str, found: Sequence[Found]) -> list[Cell]:
    p5, p50, p95, first = zip(*found, strict=True)
    return [
        title, spread(p5), spread(p50), spread(p95), spread(100 * (high / low - 1) for low, _, high, _ in found),
        spread(100 * each / middle for each, middle in zip(first, p50, strict=True)),
    ]  # fmt: skip


def _look(order: str, users: int, flushes: int) -> Found:
    allow_open_files(users + CONNECTIONS_OF_ONE)
    return uvloop.run(_write(order, users, flushes))


async def _write(order: str, users: int, flushes: int) -> Found:
    connections = users + CONNECTIONS_OF_ONE - 1
    first: dict[Subscriber, int] = {}
    further: dict[Subscriber, int] = {}
    all_there = asyncio.Event()
    places, rotation, further_rotation = Places(), Rotation(), Rotation()

    class Listener(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            number = len(first) + len(further)
            name = "one" if _is_of_one(number, users) else str(number)
            # uvloop's transports are no subclasses of asyncio's
            subscriber = Subscriber(name, Encoding.MSGPACK, cast("asyncio.Transport", transport))
            if order == "turns":
                places.take(subscriber)
            (further if subscriber.is_further else first)[subscriber] = transport.get_extra_info("socket").fileno()
            if number + 1 == connections:
                all_there.set()

    server = await asyncio.get_running_loop().create_server(Listener, "127.0.0.1", 0, backlog=4096)
    with _reader(server.sockets[0].getsockname()[1], connections, flushes) as results:
        async with asyncio.timeout(CONNECT_S):
            await all_there.wait()
        for _ in range(flushes):
            frame = STAMP.pack(time.monotonic_ns()).ljust(FRAME_BYTES, b"\0")
            for listeners, turns in ((first, rotation), (further, further_rotation)):
                if listeners:
                    parts: list[Part] = [(frame, listeners)]
                    write_to_all(parts, turns.start(len(listeners)) if order == "turns" else 0)
            await asyncio.sleep(PACE_S)
        server.close()
        means, first_of_one = await asyncio.to_thread(results.recv)
    ordered = sorted(mean for number, mean in enumerate(means) if not _is_of_one(number, users))
    p5, p50, p95 = (ordered[int((len(ordered) - 1) * share)] for share in (0.05, 0.5, 0.95))
    return p5, p50, p95, first_of_one


def _is_of_one(number: int, users: int) -> bool:
    """Whether a connection is one of the eight: they are spread over all that join."""
    step = max(1, users // CONNECTIONS_OF_ONE)
    return number % step == 0 and number // step < CONNECTIONS_OF_ONE


@contextlib.contextmanager
def _reader(port: int, connections: int, flushes: int) -> Iterator[Connection]:
    """Run a process that connects so many times, reads so many flushes, and tells what it found."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_read, args=(port, connections, flushes, theirs), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


def _read(port: int, connections: int, flushes: int, results: Connection) -> None:
    allow_open_files(connections)
    sums, left = [0] * connections, connections * flushes
    firsts: dict[int, int] = {}
    users = connections - CONNECTIONS_OF_ONE + 1
    with contextlib.ExitStack() as ends:
        poll = select.epoll()
        sockets: dict[int, tuple[int, socket.socket]] = {}
        for number in range(connections):
            end = ends.enter_context(socket.create_connection(("127.0.0.1", port)))
            sockets[end.fileno()] = number, end
            poll.register(end, select.EPOLLIN)
        while left:
            for descriptor, _ in poll.poll():
                number, end = sockets[descriptor]
                data = end.recv(1 << 16)
                now = time.monotonic_ns()
                for place in range(0, len(data), FRAME_BYTES):
                    (began,) = STAMP.unpack_from(data, place)
                    sums[number] += now - began
                    left -= 1
                    if _is_of_one(number, users):
                        firsts.setdefault(began, now - began)
    results.send(([each / flushes / 1e6 for each in sums], sum(firsts.values()) / flushes / 1e6))


if __name__ == "__main__":
    run({"benchmarks.fairness": measure})
