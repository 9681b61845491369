"""Checkpoints that are made beside the market: children that encode, and what becomes of their bytes in a real store.

A child may die or hang at any moment, and the store may forget; the market must neither wait for it nor go by half.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from zlib import crc32

import psutil
import pytest
import uvloop
from prometheus_client import CollectorRegistry

from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.recovery import checkpoint_writer
from services.matching.aio.recovery.checkpoint_writer import CheckpointWriter
from services.matching.aio.recovery.forked_image import (
    CHUNK_BYTES,
    Encode,
    Encoded,
    ForkedImage,
    Image,
    ImageFailed,
    InlineImage,
)
from services.matching.recovery.checkpoint_pair import StagedCheckpoint
from shared.aio.redis_connection import Redis, open_redis
from shared.aio.redis_line import RedisLine
from shared.logs.stream_keys import StreamKeys

pytestmark = pytest.mark.needs_redis

KEYS = StreamKeys()
SNAPSHOTS = [os.urandom(2 * CHUNK_BYTES + 1), b"small"]
ENCODED = Encoded(os.urandom(3 * CHUNK_BYTES + 7), os.urandom(CHUNK_BYTES), SNAPSHOTS)
DEEP = [KEYS.snapshot("ACME"), KEYS.snapshot("GPU")]
WITHIN_S = 10.0


def takes_for_ever() -> Encoded:
    time.sleep(60)
    return ENCODED


async def read_all(image: Image) -> Encoded:
    sizes = await image.sizes(2 + len(SNAPSHOTS))
    parts = []
    for size in sizes:
        part = b""
        while len(part) < size:
            part += await image.read(size - len(part))
        parts.append(part)
    checkpoint, accounts, *snapshots = parts
    return Encoded(checkpoint, accounts, snapshots)


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 - the condition is another process's
            await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


@pytest.mark.parametrize("make_image", [ForkedImage, InlineImage])
async def test_an_image_is_what_was_there_when_it_was_taken(make_image: Callable[[Encode], Image]) -> None:
    """The market goes on at once; what it changes is not in the image."""
    market = [b"before"]
    image = make_image(lambda: Encoded(market[0] * 40_000, market[0], [market[0], b""]))
    market[0] = b"after"
    try:
        assert await read_all(image) == (b"before" * 40_000, b"before", [b"before", b""])
    finally:
        await image.end()


async def test_nothing_is_left_of_a_child() -> None:
    """No process, no open file: there is one every few seconds, for months."""
    files = psutil.Process().num_fds()
    image = ForkedImage(lambda: ENCODED)
    pid = image.pid
    assert await read_all(image) == ENCODED
    await image.end()
    await eventually(lambda: is_gone(pid))
    await eventually(lambda: psutil.Process().num_fds() == files)


async def test_a_child_holds_no_connection_of_its_parent() -> None:
    """If the engine is killed in this moment, whoever was connected must hear of it at once, not from the child."""
    ours, theirs = socket.socketpair()
    image = ForkedImage(takes_for_ever)
    ours.close()
    with theirs:
        theirs.settimeout(WITHIN_S)
        assert theirs.recv(1) == b""
    await image.end()


async def test_a_child_that_is_killed_fails() -> None:
    """The kernel does that when memory runs out."""
    image = ForkedImage(takes_for_ever)
    pid = image.pid
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ImageFailed):
        await image.sizes()
    await image.end()
    assert is_gone(pid)


async def test_a_child_that_meets_an_error_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """It says why on standard error."""

    def encode() -> Encoded:
        raise ZeroDivisionError

    image = ForkedImage(encode)
    with pytest.raises(ImageFailed):
        await image.sizes()
    await image.end()
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_the_engines_own_event_loop_reads_one_too() -> None:
    """It closes pipes in a way of its own, also when the reading is cancelled at its very beginning."""

    async def main() -> None:
        files = psutil.Process().num_fds()
        image: Image = ForkedImage(lambda: ENCODED)
        assert await read_all(image) == ENCODED
        await image.end()
        for _ in range(20):
            image = ForkedImage(takes_for_ever)
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(image.sizes())
                await asyncio.sleep(0)
                reading.cancel()
            await image.end()
        await eventually(lambda: psutil.Process().num_fds() == files)

    uvloop.run(main())


async def test_one_that_nobody_reads_is_ended() -> None:
    """Abandoned before anybody looked at it; the child waits with its pipe full."""
    image = ForkedImage(lambda: ENCODED)
    pid = image.pid
    await image.end()
    assert is_gone(pid)


# -- the writer


class Desk:
    """A writer that runs, and the metrics it counts in."""

    def __init__(self, redis: Redis, make_image: Callable[[Encode], Image]) -> None:
        self.redis = redis
        self.registry = CollectorRegistry()
        metrics = MatchingMetrics(self.registry)
        self.writer = CheckpointWriter(RedisLine(redis), KEYS, 7, make_image, metrics)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[CheckpointWriter]:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.writer.run())
            yield self.writer
            running.cancel()

    async def made(self) -> StagedCheckpoint:
        found: list[StagedCheckpoint] = []

        def is_made() -> bool:
            ready = self.writer.take_ready()
            if ready is not None:
                found.append(ready)
            return ready is not None

        await eventually(is_made)
        return found[0]

    def failures(self) -> float | None:
        return self.registry.get_sample_value("outcry_matching_checkpoints_failed_total")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url, "test") as client:
        yield client


@pytest.fixture(params=[ForkedImage, InlineImage])
def desk(request: pytest.FixtureRequest, redis: Redis) -> Desk:
    return Desk(redis, request.param)


async def test_brings_an_image_to_the_store(desk: Desk, redis: Redis) -> None:
    """Whole, under names that wait for the leader, and that the store forgets if nobody comes."""
    async with desk.running() as writer:
        writer.begin(lambda: ENCODED, "5-0", DEEP)
        assert not writer.is_idle
        staged = await desk.made()
        assert staged.log_id == "5-0"
        assert await redis.mget(staged.checkpoint, staged.accounts) == list(ENCODED[:2])
        assert [(each.key, each.size, each.checksum) for each in staged.snapshots] == [
            (key, len(data), crc32(data)) for key, data in zip(DEEP, SNAPSHOTS, strict=True)
        ]
        assert await redis.mget([each.staged for each in staged.snapshots]) == SNAPSHOTS
        assert 0 < await redis.pttl(staged.snapshots[1].staged) <= checkpoint_writer.STAGED_MS
        assert 0 < await redis.pttl(staged.checkpoint) <= checkpoint_writer.STAGED_MS
        assert not await redis.exists(KEYS.checkpoint, KEYS.accounts, *DEEP)
        await eventually(lambda: writer.is_idle)


async def test_no_two_attempts_have_a_name_in_common(desk: Desk) -> None:
    """A piece of an abandoned one that lands late must not get into the next."""
    async with desk.running() as writer:
        names: set[str] = set()
        for _ in range(3):
            writer.begin(lambda: ENCODED, "5-0", DEEP)
            made = await desk.made()
            names.update((made.checkpoint, made.accounts, *(each.staged for each in made.snapshots)))
            await eventually(lambda: writer.is_idle)
        assert len(names) == 12


async def test_an_abandoned_one_is_never_ready(desk: Desk) -> None:
    """The leader has stored itself meanwhile: an older one must not come after."""
    async with desk.running() as writer:
        writer.begin(lambda: ENCODED, "5-0", DEEP)
        writer.abandon()
        await eventually(lambda: writer.is_idle)
        assert writer.take_ready() is None
        assert not writer.has_failed
        writer.begin(lambda: ENCODED, "6-0", DEEP)
        assert (await desk.made()).log_id == "6-0"


async def test_one_that_waits_and_is_abandoned_is_never_ready(desk: Desk) -> None:
    """It had been made, and nobody had come for it, when the leader stored itself."""
    async with desk.running() as writer:
        writer.begin(lambda: ENCODED, "5-0", DEEP)
        await eventually(lambda: writer._ready is not None)
        writer.abandon()
        assert writer.take_ready() is None


async def test_a_dead_child_is_a_failure_that_is_counted(redis: Redis) -> None:
    """The leader hears of it, and stores the next one itself."""
    images: list[ForkedImage] = []

    def make_image(encode: Encode) -> Image:
        images.append(ForkedImage(encode))
        return images[-1]

    desk = Desk(redis, make_image)
    async with desk.running() as writer:
        writer.begin(takes_for_ever, "5-0", DEEP)
        os.kill(images[0].pid, signal.SIGKILL)
        await eventually(lambda: writer.has_failed)
        assert not writer.is_idle
        assert desk.failures() == 1
        writer.abandon()
        await eventually(lambda: writer.is_idle)


async def test_a_child_that_hangs_is_killed_in_time(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a checkpoint both logs would grow for ever."""
    monkeypatch.setattr(checkpoint_writer, "MAKING_S_MAX", 0.2)
    desk = Desk(redis, ForkedImage)
    async with desk.running() as writer:
        writer.begin(takes_for_ever, "5-0", DEEP)
        assert isinstance(writer._image, ForkedImage)
        pid = writer._image.pid
        await eventually(lambda: writer.has_failed)
        await eventually(lambda: is_gone(pid))
        assert desk.failures() == 1


async def test_without_a_process_to_be_had_it_has_failed_at_once(redis: Redis) -> None:
    """No memory, or too many processes: the leader does it itself."""

    def make_image(encode: Encode) -> Image:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    desk = Desk(redis, make_image)
    desk.writer.begin(lambda: ENCODED, "5-0", DEEP)
    assert desk.writer.has_failed
    assert desk.failures() == 1


async def test_a_store_that_forgets_a_part_is_noticed(redis: Redis) -> None:
    """It failed over in the middle: what it holds is no checkpoint."""

    class Forgetful(InlineImage):
        async def read(self, size: int) -> bytes:
            await redis.delete(KEYS.staged(KEYS.checkpoint, "7-1"))
            return await super().read(size)

    desk = Desk(redis, Forgetful)
    async with desk.running() as writer:
        writer.begin(lambda: ENCODED, "5-0", DEEP)
        await eventually(lambda: writer.has_failed)
        assert writer.take_ready() is None


async def test_nothing_outlives_the_writer(redis: Redis) -> None:
    """The engine ends while a child encodes."""
    desk = Desk(redis, ForkedImage)
    async with desk.running() as writer:
        writer.begin(takes_for_ever, "5-0", DEEP)
        assert isinstance(writer._image, ForkedImage)
        pid = writer._image.pid
        await asyncio.sleep(0)
    assert is_gone(pid)
