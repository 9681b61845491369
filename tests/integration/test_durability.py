"""What `durability` promises, with a real primary and a real replica."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from shared.commands import decode_commands
from shared.stream_keys import COMMANDS_FIELD
from shared.types import Side
from tests.integration.engine_process import KEYS, Engines, Trader, engines_on, eventually
from tests.real_redis import RealRedis, server_binary

pytestmark = pytest.mark.needs_redis


@pytest.fixture
def replica(redis_server: RealRedis, tmp_path: Path) -> Iterator[RealRedis]:
    binary = server_binary()
    assert binary is not None
    server = RealRedis(binary, tmp_path / "replica", "--replicaof", "127.0.0.1", str(redis_server.port))
    server.start()
    with Redis.from_url(server.url) as client:
        eventually(lambda: client.info("replication")["master_link_status"] == "up")
    yield server
    server.kill()


@pytest.fixture
def engines(redis_server: RealRedis, tmp_path: Path) -> Iterator[Engines]:
    with engines_on(redis_server.url, tmp_path) as engines:
        yield engines


@pytest.fixture
def trader(redis_server: RealRedis) -> Iterator[Trader]:
    trader = Trader(redis_server.url)
    yield trader
    trader.close()


def test_nothing_is_acknowledged_that_a_replica_lacks(
    replica: RealRedis, engines: Engines, trader: Trader, redis_server: RealRedis
) -> None:
    """An acknowledgement that dies with the primary is a lie; the market rather waits."""
    engines.start_leading(DURABILITY="replica", LEASE_MS=20_000)
    trader.trade()
    os.kill(replica.pid, signal.SIGSTOP)
    order = trader.order("ann", Side.ASK, 120, 7)
    trader.append(order)
    eventually(lambda: engines.told("0 of 1 replicas have the last commands"))
    assert all(outcome[:2] != order[:2] for packet in trader.packets() for outcome in packet.outcomes)
    os.kill(replica.pid, signal.SIGCONT)
    trader.wait_for(order)


def test_all_that_was_acknowledged_is_in_the_replica_when_the_primary_dies(
    replica: RealRedis, engines: Engines, trader: Trader, redis_server: RealRedis
) -> None:
    """So promoting that replica loses no order that anyone was told of."""
    engines.start_leading(DURABILITY="replica")
    for _ in range(20):
        trader.trade()
    told = {outcome[:2] for packet in trader.packets() for outcome in packet.outcomes}
    redis_server.kill()
    with Redis.from_url(replica.url, protocol=3) as client:
        entries = client.xrange(KEYS.commands)
        held = {command[:2] for _, fields in entries for command in decode_commands(fields[COMMANDS_FIELD])}
    assert told <= held
    assert len(told) > 40


def test_a_machine_is_outlived_only_with_a_file(
    tmp_path: Path, redis_server: RealRedis, engines: Engines, trader: Trader
) -> None:
    """Every packet waits for the disk: a store without an append-only file cannot promise, and the engine says so."""
    trader.redis.config_set("appendfsync", "always")
    engine = engines.start_leading(DURABILITY="machine", UNREACHABLE_MAX_S=1)
    trader.trade()
    position = eventually(lambda: trader.redis.get(KEYS.secured))
    assert int(position) > 0
    trader.redis.config_set("appendonly", "no")
    trader.append(trader.order("ann", Side.ASK, 120, 7))
    assert engine.exit_code() == 4
    assert engine.told("appendonly is disabled")
