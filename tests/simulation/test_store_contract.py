"""The model of the store against a real server: the same commands must give the same replies.

What the simulation shows is worth as much as its store. Commands go through the real client library in both cases, to
the model over the network of memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from redis.exceptions import RedisError

from services.matching.aio import lease, publisher
from services.matching.aio.publisher import NextCheckpoint, Publisher, WholeCheckpoint
from services.matching.recovery.checkpoint_pair import StagedCheckpoint
from services.matching.recovery.sent_packets import SentPacket
from shared.aio.redis_connection import Redis, open_redis
from shared.aio.redis_line import RedisLine
from shared.logs.packet import FeedId
from shared.logs.stream_keys import StreamKeys
from tests.simulation.network import Network
from tests.simulation.parts import STORE_URL
from tests.simulation.process import Process
from tests.simulation.store_server import StoreServer
from tests.simulation.world import World

pytestmark = pytest.mark.needs_redis

KEYS = StreamKeys()
STAGED = StagedCheckpoint("staged checkpoint", "staged accounts", "1-0")
Scenario = Callable[[Redis, list[Any]], Awaitable[None]]


def _on_real(url: str, scenario: Scenario) -> list[Any]:
    replies: list[Any] = []

    async def main() -> None:
        async with open_redis(url, "contract") as redis:
            await scenario(redis, replies)

    asyncio.run(main())
    return replies


def _on_model(scenario: Scenario) -> list[Any]:
    world = World(1)
    replies: list[Any] = []
    errors: list[BaseException | None] = []

    async def main() -> None:
        async with open_redis(STORE_URL, "contract") as redis:
            await scenario(redis, replies)

    with world.clocks():
        network = Network(world)
        StoreServer(world, network)
        Process(world, network, "contract", main, errors.append)
        world.run_until(60)
    [error] = errors
    if error is not None:
        raise error
    return replies


async def _tell(replies: list[Any], asked: Awaitable[Any]) -> Any:
    try:
        reply = await asked
    except RedisError as error:
        reply = f"{type(error).__name__} {str(error).split(' ')[0]}"
    replies.append(_plain(reply))
    return reply


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("seed", range(12))
def test_commands_at_random_give_the_same_replies(redis_url: str, seed: int) -> None:
    """Every command that the programs use, on few keys, in any order, wrong ones included."""

    async def scenario(redis: Redis, replies: list[Any]) -> None:
        random = Random(seed)
        for _ in range(150):
            await _tell(replies, _any_command(redis, random))

    assert _on_model(scenario) == _on_real(redis_url, scenario)


def _any_command(redis: Redis, random: Random) -> Awaitable[Any]:  # noqa: C901, PLR0911, PLR0912 - a line a command
    text, stream = random.choice(["a", "b"]), random.choice(["s", "t"])
    number = random.randint(0, 12)
    entry_id = f"{random.randint(0, 4)}-{random.randint(0, 4)}"
    match random.randrange(19):
        case 0:
            return redis.set(text, str(number))
        case 1:
            return redis.set(text, str(number), nx=True, px=60_000)
        case 2:
            return redis.get(text)
        case 3:
            return redis.mget([text, "c", "b"])
        case 4:
            return redis.delete(text)
        case 5:
            return redis.pexpire(text, 60_000)
        case 6 | 7:
            return redis.xadd(stream, {b"f": str(number).encode()}, id=entry_id)
        case 8:
            return redis.xadd(stream, {b"f": b"x", b"g": b"y"}, id=entry_id, maxlen=5, approximate=False)
        case 9:
            return redis.xread({stream: entry_id}, count=random.randint(1, 4), block=random.choice([None, 1]))
        case 10:
            return redis.xrange(stream, random.choice(["-", entry_id]), random.choice(["+", entry_id, "3"]))
        case 11:
            return redis.xrevrange(stream, count=random.randint(1, 3))
        case 12:
            return redis.xlen(stream)
        case 13:
            return redis.xtrim(stream, minid=entry_id, approximate=False)
        case 14:
            return redis.append(text, str(number))
        case 15:
            return redis.exists(text, "c", stream)
        case 16:
            return redis.rename(text, random.choice(["b", "c"]))
        case 17:
            return redis.persist(text)
        case _:
            pipeline = redis.pipeline(transaction=True)
            pipeline.get(text)
            pipeline.xrevrange(stream, count=1)
            return pipeline.execute()


@pytest.mark.parametrize("seed", range(6))
def test_the_programs_own_scripts_give_the_same_answers(redis_url: str, seed: int) -> None:
    """publish.lua and the lease's scripts, with ids behind, equal and ahead, and leases of others."""

    async def scenario(redis: Redis, replies: list[Any]) -> None:
        _forget_scripts()
        random = Random(seed)
        lease_of = {name: lease.Lease(redis, KEYS, name, 60_000) for name in ("a", "b")}
        writers = {name: _publisher(redis, name) for name in ("a", "b")}
        for writer in writers.values():
            answer = await writer.ask_store_id()
            writer.store_id = answer.detail
        for _ in range(60):
            name = random.choice(["a", "b"])
            match random.randrange(8):
                case 0:
                    await _tell(replies, lease_of[name].try_acquire())
                case 4:
                    await _tell(replies, redis.set(STAGED.checkpoint, f"checkpoint {len(replies)}", px=60_000))
                    await _tell(replies, redis.set(STAGED.accounts, "accounts", px=60_000))
                case 1:
                    await _tell(replies, lease_of[name].release())
                case 2:
                    await _tell(replies, lease_of[name].take_term(random.randint(0, 2**52), random))
                case 3:
                    await _tell(replies, redis.xadd(KEYS.commands, {b"c": b"x"}, id=f"{len(replies) + 1}-0"))
                case _:
                    await _tell(replies, _publish(writers[name], random))
        for key in (KEYS.lease, KEYS.term, KEYS.cover, KEYS.checkpoint, KEYS.previous_checkpoint, KEYS.accounts):
            await _tell(replies, redis.get(key))
        await _tell(replies, redis.persist(KEYS.checkpoint))
        await _tell(replies, redis.xrange(KEYS.feed))

    assert _on_model(scenario) == _on_real(redis_url, scenario)


@pytest.mark.parametrize("seed", range(8))
def test_trimming_leaves_what_a_server_leaves(redis_url: str, seed: int) -> None:
    """Whole nodes, by entries and by bytes; at most LIMIT entries a call; the threshold stands before LIMIT."""

    async def scenario(redis: Redis, replies: list[Any]) -> None:
        random, last = Random(seed), 0
        for _ in range(25):
            together = redis.pipeline(transaction=False)
            names = random.choice([[b"f"], [b"f"], [b"f", b"other"]])
            size = random.choice([1, 60, 700, 5_000])
            for _ in range(random.randint(1, 150)):
                last += random.choice([1, 1, 1, 300, 70_000])
                value = random.choice([b"%d" % random.randint(-(2**40), 2**40), b"7", random.randbytes(size)])
                together.xadd("s", dict.fromkeys(names, value), id=f"{last}-{random.choice([0, 0, 5])}")
            await together.execute()
            words: list[Any] = ["XTRIM", "s", random.choice(["MAXLEN", "MINID"]), random.choice(["~", "~", "=", ""])]
            words.append(random.randint(0, 400) if words[2] == "MAXLEN" else random.randint(0, last))
            if random.random() < 0.6:
                words += ["LIMIT", random.choice([0, 50, 100, 150, 10_000])]
            await _tell(replies, redis.execute_command(*(word for word in words if word != "")))
            await _tell(replies, redis.xlen("s"))
            await _tell(replies, redis.xrange("s", count=1))

    assert _on_model(scenario) == _on_real(redis_url, scenario)


def test_a_call_without_limit_trims_a_hundred_nodes(redis_url: str) -> None:
    """This is what let the command log grow for ever; a model that trims more would never have shown it."""

    async def scenario(redis: Redis, replies: list[Any]) -> None:
        together = redis.pipeline(transaction=False)
        for number in range(1, 10_501):
            together.xadd("s", {b"f": b"1"}, id=f"{number}-0")
        await together.execute()
        for words in ("MINID ~ 10500", "MINID ~ 10500 LIMIT 0"):
            await _tell(replies, redis.execute_command("XTRIM", "s", *words.split()))
        await _tell(replies, redis.xlen("s"))

    replies = _on_model(scenario)
    assert replies == [10_000, 400, 100]
    assert replies == _on_real(redis_url, scenario)


def _publisher(redis: Redis, name: str) -> Publisher:
    return Publisher(
        RedisLine(redis),
        KEYS,
        name,
        lease_ms=60_000,
        feed_packets_max=1_000,
        command_entries_max=1_000,
        ledger_hold_packets=20_000,
        ledger_hold_entries=20_000,
    )


def _publish(writer: Publisher, random: Random) -> Awaitable[Any]:
    previous = FeedId(random.randint(0, 2), random.randint(0, 3))
    fresh = FeedId(previous.term + random.randint(0, 1), previous.position + random.randint(0, 2))
    entries = [SentPacket(fresh, previous, b"packet", 1)] if random.random() < 0.8 else []
    checkpoint = random.choice([None, WholeCheckpoint(b"whole", "1-0"), NextCheckpoint(STAGED, "1-0")])
    return writer.publish(previous, entries, {KEYS.cover: str(fresh).encode()}, checkpoint)


def _forget_scripts() -> None:
    for script in (publisher._SCRIPT, lease._ACQUIRE, lease._RENEW, lease._RELEASE, lease._TAKE_TERM):
        script._sent = False


def test_a_blocked_read_wakes_for_what_comes(redis_url: str) -> None:
    """Readers wait in XREAD; an entry ends the wait, and so does the time."""

    async def scenario(redis: Redis, replies: list[Any]) -> None:
        await _tell(replies, redis.xread({"s": "0-0"}, block=20))
        await redis.xadd("s", {b"f": b"1"}, id="1-1")
        await _tell(replies, redis.xread({"s": "0-0"}, block=20))
        await _tell(replies, redis.xread({"s": "1-1"}, block=20))

    assert _on_model(scenario) == _on_real(redis_url, scenario)


def test_rolling_back_restores_everything() -> None:
    """Undoing the last calls must give exactly what was there: strings, streams, their last ids, trimmed entries."""
    world = World(7)
    model = StoreServer(world, Network(world)).model
    random = Random(7)
    states = [_state(model)]
    while model.undoable < 200:
        key = random.choice([b"s", b"t"])
        match random.randrange(6):
            case 0:
                model.call(b"SET", b"v", b"%d" % random.randint(0, 9), b"PX", b"50")
            case 1:
                model.call(b"XTRIM", key, b"MAXLEN", random.choice([b"=", b"~"]), b"%d" % random.randint(0, 5))
            case 2:
                model.call(b"DEL", random.choice([b"v", b"s"]))
            case _:
                model.call(b"XADD", key, b"*", b"f", b"%d" % random.randint(0, 9))
        if len(states) <= model.undoable:
            states.append(_state(model))
    for _ in range(150):
        states.pop()
        model.roll_back(1)
        assert _state(model) == states[-1]


def _state(model: Any) -> Any:
    return dict(model.values), {
        key: (list(s.ids), list(s.fields), s.last, list(s.nodes)) for key, s in model.streams.items() if s.last
    }
