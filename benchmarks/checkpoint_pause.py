"""`python -m benchmarks.checkpoint_pause [--orders N] [--seconds S]`: how long a checkpoint keeps orders waiting.

One engine on a Redis of its own, with so many resting orders, gets a command every 2 ms; how long each waits is from
its entry's id (the store's clock, in ms) to the publishing time of the packet that holds it, both on this machine. The
engine is ended and started again on the same market for each row, so it also recovers from its checkpoints.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from random import Random, SystemRandom
from typing import Final, NamedTuple, Self, cast

import uvloop
from prometheus_client import CollectorRegistry
from redis import Redis

from benchmarks.command import parser, progress, tell
from benchmarks.measure import machine, spread
from benchmarks.table import Cell, Table
from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from outcry.stack.aio.local_redis import LocalRedis
from services.matching.__main__ import COLLECTOR_THRESHOLDS
from services.matching.aio.build import build
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.recovery.forked_image import Encode, ForkedImage, Image, InlineImage
from services.matching.aio.settings import MatchingSettings
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.recovery.checkpoint import decode_checkpoint
from shared.aio.logging import configure_logging
from shared.aio.redis_connection import StreamEntry, open_redis
from shared.logs.commands import CancelOrder, Command, PlaceOrder, encode_commands
from shared.logs.packet import FeedId, decode_packet
from shared.logs.stream_keys import COMMANDS_FIELD, PACKET_FIELD, PUBLISHED_FIELD, StreamKeys

ORDERS: Final = 100_000
SECONDS: Final = 20.0
TINY_ORDERS: Final = 500
TINY_SECONDS: Final = 1.0
CHECKPOINT_INTERVAL_S: Final = 2.0
"""Between two checkpoints; the default is 5, and the wait for one does not depend on it."""
COMMAND_INTERVAL_S: Final = 0.002
USERS: Final = 1_000
MIDDLE: Final = 5_000
WIDTH: Final = 500
"""Prices a side that orders rest at, of each instrument."""
ORDERS_IN_ENTRY: Final = 100
READY_SECONDS_MAX: Final = 60.0
RENAMES_A_CHECKPOINT: Final = 3
"""The newest, the previous and the accounts: how the store's own count tells how many were stored."""
NEVER_S: Final = 1e6
KEYS: Final = StreamKeys()
_RULES: Final = (TimeInForce.GTC, False, SelfTradePrevention.CANCEL_NEWEST)


class Way(NamedTuple):
    """How checkpoints are made."""

    title: str
    make_image: Callable[[Encode], Image]
    interval_s: float


WAYS: Final = (
    Way("no checkpoint", InlineImage, NEVER_S),
    Way("by a forked child", ForkedImage, CHECKPOINT_INTERVAL_S),
    Way("by the engine itself", InlineImage, CHECKPOINT_INTERVAL_S),
)


def measure(orders: int, seconds: float) -> Table:
    """Return the table."""
    with tempfile.TemporaryDirectory() as folder, LocalRedis(Path(folder)) as store:
        progress(f"{orders:,} orders")
        with Redis.from_url(store.url, protocol=3) as redis:
            _build(redis, store.url, orders)
            rows = [_row(redis, store.url, way, seconds) for way in WAYS]
    return Table(
        "checkpoint-pause",
        f"How long a command waits for its packet, ms, one every 2 ms, with {orders:,} resting orders of "
        f"{USERS:,} users in {len(DEFAULT_LISTING)} books. A checkpoint every {CHECKPOINT_INTERVAL_S:g} s is made "
        "beside the market, or by the engine itself while the market waits. The longest wait is that of each interval "
        "of a checkpoint, median ± half the distance between the quartiles, and that of the whole run.",
        [
            "checkpoints are made",
            "checkpoints stored",
            "p50",
            "p99",
            "longest in an interval",
            "longest of all",
            "MB stored",
        ],
        rows,
    )


def _row(redis: Redis, url: str, way: Way, seconds: float) -> list[Cell]:
    progress(f"checkpoints: {way.title}")
    with _Engine(url, way):
        _wait_for_term(redis)
        before = _renames(redis)
        first_id = _trade(redis, seconds)
        _wait_until_told(redis)
        waits = _waits(redis, first_id)
        stored = (_renames(redis) - before) // RENAMES_A_CHECKPOINT
    ordered = sorted(wait for _, wait in waits)
    peaks = list(_peaks(waits))
    size = sum(int(redis.strlen(key)) for key in (KEYS.checkpoint, KEYS.accounts))
    return [
        way.title,
        stored,
        statistics.median(ordered),
        ordered[int(len(ordered) * 0.99)],
        spread(peaks),
        ordered[-1],
        size / 1e6,
    ]


# The engine.


class _Engine:
    def __init__(self, url: str, way: Way) -> None:
        self._process = get_context("spawn").Process(target=_serve, args=(url, way), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _serve(url: str, way: Way) -> None:
    configure_logging("warning")
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    settings = MatchingSettings(redis_url=url, checkpoint_interval_s=way.interval_s, open_orders_max=ORDERS)
    uvloop.run(_lead(settings, way))


async def _lead(settings: MatchingSettings, way: Way) -> None:
    metrics = MatchingMetrics(CollectorRegistry())
    async with open_redis(settings.redis_url, "reader") as reading, open_redis(settings.redis_url, "writer") as writing:
        service = build(
            settings, DEFAULT_LISTING, reading, writing, "benchmark", metrics, SystemRandom(), way.make_image
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.stop)
        await service.run()


# The market.


def _build(redis: Redis, url: str, orders: int) -> None:
    """Fill the books, so that no two orders meet."""
    random = Random(1)  # noqa: S311 - an example, no secret
    with _Engine(url, WAYS[0]):
        _wait(lambda: bool(redis.exists(KEYS.snapshot(DEFAULT_LISTING[-1].symbol))), "no instrument is listed")
        for start in range(0, orders, ORDERS_IN_ENTRY):
            numbers = range(start, min(orders, start + ORDERS_IN_ENTRY))
            _append(redis, [_resting(number, random) for number in numbers])
        _wait_until_told(redis)
    engine = decode_checkpoint(cast("bytes", redis.get(KEYS.checkpoint))).engine
    resting = sum(len(market.book.orders) for market in engine.instruments.values())
    if resting != orders:
        raise RuntimeError(f"{resting} orders rest, not {orders}")


def _resting(number: int, random: Random) -> PlaceOrder:
    side = random.choice(list(Side))
    off = random.randint(1, WIDTH)
    price = MIDDLE + (off if side is Side.ASK else -off)
    symbol = DEFAULT_LISTING[number % len(DEFAULT_LISTING)].symbol
    name = f"resting-{number}"
    quantity = random.randint(1, 50)
    return PlaceOrder(
        "build", number + 1, f"user-{number % USERS}", symbol, name, side, OrderKind.LIMIT, price, quantity, *_RULES
    )


def _commands(source: str) -> Iterator[Command]:
    """Place an order and cancel it, again and again, in one book after the other."""
    numbers = count(1)
    for turn in count():
        symbol = DEFAULT_LISTING[turn % len(DEFAULT_LISTING)].symbol
        user, name = f"user-{turn % USERS}", f"{source}-{turn}"
        order = (user, symbol, name, Side.BID, OrderKind.LIMIT, MIDDLE - turn % WIDTH - 1, 1, *_RULES)
        yield PlaceOrder(source, next(numbers), *order)
        yield CancelOrder(source, next(numbers), user, 0, name)


def _trade(redis: Redis, seconds: float) -> str:
    """Send one command after the other at their times; returns the entry before the first."""
    last_id, _ = _last(redis, KEYS.commands)
    commands = _commands(f"trade-{time.time_ns()}")
    due_at = time.monotonic()
    for _ in range(int(seconds / COMMAND_INTERVAL_S)):
        due_at += COMMAND_INTERVAL_S
        time.sleep(max(0.0, due_at - time.monotonic()))
        _append(redis, [next(commands)])
    return last_id.decode()


def _append(redis: Redis, commands: list[Command]) -> None:
    redis.xadd(KEYS.commands, {COMMANDS_FIELD: encode_commands(commands)})


# What is to be seen in the store.


def _wait_until_told(redis: Redis) -> None:
    """Wait until all commands are in a packet."""
    last_id, _ = _last(redis, KEYS.commands)
    _wait(lambda: _applied(_last(redis, KEYS.feed)) >= _order(last_id), "the engine does not apply all commands")


def _wait_for_term(redis: Redis) -> None:
    """Wait until another engine leads."""
    term = FeedId.parse(_last(redis, KEYS.feed)[0]).term
    _wait(lambda: FeedId.parse(_last(redis, KEYS.feed)[0]).term > term, "no engine leads")


def _wait(condition: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{failure} within {READY_SECONDS_MAX:g} s")
        time.sleep(0.01)


def _renames(redis: Redis) -> int:
    return int(redis.info("commandstats").get("cmdstat_rename", {}).get("calls", 0))


def _entries(redis: Redis, key: str, after: str = "-") -> list[StreamEntry]:
    return cast("list[StreamEntry]", redis.xrange(key, after))


def _last(redis: Redis, key: str) -> StreamEntry:
    newest = cast("list[StreamEntry]", redis.xrevrange(key, count=1))
    return newest[0] if newest else (b"0-0", {})


def _applied(packet: StreamEntry) -> tuple[int, int]:
    """Return the place of the last command that a packet holds."""
    fields = packet[1]
    return _order(decode_packet(fields[PACKET_FIELD]).log_id.encode()) if fields else (0, 0)


def _waits(redis: Redis, after: str) -> list[tuple[float, float]]:
    """Return each entry's time in seconds and how long it waited in ms."""
    packets = [(_applied(packet), int(packet[1][PUBLISHED_FIELD])) for packet in _entries(redis, KEYS.feed)]
    waits: list[tuple[float, float]] = []
    at = 0
    for entry_id, _ in _entries(redis, KEYS.commands, f"({after}"):
        while at < len(packets) and packets[at][0] < _order(entry_id):
            at += 1
        if at == len(packets):
            break  # a tick that came since
        waits.append((_order(entry_id)[0] / 1000, packets[at][1] / 1000 - _order(entry_id)[0]))
    return waits


def _peaks(waits: list[tuple[float, float]]) -> Iterator[float]:
    """Yield the longest wait of each interval that is whole; of a run that is shorter than one, its longest."""
    began, ended = waits[0][0], waits[-1][0]
    intervals = max(1, int((ended - began) / CHECKPOINT_INTERVAL_S))
    for n in range(intervals):
        low, high = began + n * CHECKPOINT_INTERVAL_S, began + (n + 1) * CHECKPOINT_INTERVAL_S
        if found := [wait for at, wait in waits if low <= at < high]:
            yield max(found)


def _order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number)


def main() -> None:
    """Measure and tell."""
    options = parser("How long does a checkpoint keep orders waiting?")
    options.add_argument("--orders", type=int, default=ORDERS, help="resting orders")
    options.add_argument("--seconds", type=float, default=SECONDS, help="of each row")
    given = options.parse_args()
    where = machine()
    orders, seconds = (TINY_ORDERS, TINY_SECONDS) if given.tiny else (given.orders, given.seconds)
    tell([("python -m benchmarks.checkpoint_pause", measure(orders, seconds))], where, given)


if __name__ == "__main__":
    main()
