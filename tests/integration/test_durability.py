"""What `durability` promises, with a real primary and a real replica."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.types import Side
from services.matching.aio.durability import DurabilityGate, NotDurable
from services.matching.aio.settings import Durability
from services.matching.aio.store_promises import _answers_early, check_machine_durability
from shared.aio.redis_connection import open_redis
from shared.logs.commands import decode_commands
from shared.logs.stream_keys import COMMANDS_FIELD
from tests.integration.engine_process import KEYS, Engines, Trader, engines_on, eventually
from tests.real_redis import RealRedis, server_binary
from tests.stores import STORES, store_binary

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


@pytest.fixture(params=[name for name in STORES if name != "Redis 7.0"], ids=lambda name: name.replace(" ", "-"))
def everysec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealRedis]:
    """A store that knows WAITAOF, and syncs once a second."""
    binary = store_binary(request.param)
    if binary is None:
        pytest.skip(f"{request.param} is not here: make stores")
    server = RealRedis(str(binary), tmp_path / "everysec", "--appendfsync", "everysec")
    server.start()
    yield server
    server.kill()


async def test_a_store_that_says_synced_before_it_is_refused(everysec: RealRedis) -> None:
    """Valkey answers WAITAOF at once with everysec; an acknowledged order would not outlive the machine's power."""
    async with open_redis(everysec.url, "test") as redis:
        is_valkey = (await redis.info("server")).get("server_name") == "valkey"
        if is_valkey:
            with pytest.raises(ConfigurationError, match=r"needs appendfsync always on Valkey .* it is everysec"):
                await check_machine_durability(redis, KEYS)
        else:
            assert not await _answers_early(redis, KEYS)
            await check_machine_durability(redis, KEYS)
        assert await _answers_early(redis, KEYS) is is_valkey, "by timing as by name"
        for policy, refusal in (("always", None), ("no", "never syncs")):
            await redis.config_set("appendfsync", policy)
            with pytest.raises(ConfigurationError, match=refusal) if refusal else contextlib.nullcontext():
                await check_machine_durability(redis, KEYS)


async def test_a_valkey_that_does_not_tell_is_not_believed(everysec: RealRedis) -> None:
    """The sentence names the right that is missing."""
    async with open_redis(everysec.url, "test") as redis:
        if (await redis.info("server")).get("server_name") != "valkey":
            pytest.skip("Redis is believed")
        await redis.acl_setuser(
            "engine", enabled=True, nopass=True, categories=["+@all"], keys=["*"], commands=["-config"]
        )
    async with open_redis(everysec.url, "test", ("engine", "x")) as redis:
        with pytest.raises(ConfigurationError, match=r"give the user \+config\|get"):
            await check_machine_durability(redis, KEYS)


def test_an_engine_ends_with_a_sentence_where_machine_cannot_be_had(everysec: RealRedis, tmp_path: Path) -> None:
    """At its start, before it leads or stands by: status 2, a setting is wrong."""
    with Redis.from_url(everysec.url) as client:
        client.config_set("appendfsync", "no")
    with engines_on(everysec.url, tmp_path) as engines:
        engine = engines.start(DURABILITY="machine")
        assert engine.exit_code() == 2
        assert engine.told("durability=machine needs appendfsync always")


@pytest.mark.parametrize("durability", [Durability.MACHINE, Durability.REPLICA])
async def test_the_question_stands_outside_of_scripts_and_transactions(
    redis_server: RealRedis, durability: Durability
) -> None:
    """Within MULTI or a script WAITAOF and WAIT do not wait, and speak of what was written before."""
    async with open_redis(redis_server.url, "test") as redis, open_redis(redis_server.url, "monitor") as watching:
        await redis.config_set("appendfsync", "always")
        store = (await redis.info("replication"))["master_replid"]
        async with watching.monitor() as monitor:
            gate = DurabilityGate(redis, KEYS, durability, 1)
            seen: list[Any] = []
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_secure(gate, store))
                while not seen or seen[-1]["command"].split()[0] not in {"WAIT", "WAITAOF"}:
                    seen.append(await monitor.next_command())
    assert seen[-1]["client_type"] == "tcp", "not within a script"
    assert not any(each["command"].split()[0] == "MULTI" for each in seen)
    assert seen[-2]["command"].split()[0] == "SET", "its own write, on its own connection"
    assert seen[-2]["client_port"] == seen[-1]["client_port"]


async def _secure(gate: DurabilityGate, store: str) -> None:
    with contextlib.suppress(NotDurable):  # there is no replica
        await gate.secure(1, store)
