"""A leader whose store loses answers, rolls back and refuses, in one process on a real server.

Whatever happens, the feed ends up as if nothing had: every packet once, in order, with its first bytes, and a
recovery from the store arrives at the leader's own state.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from services.matching.aio.command_reader import CommandReader
from services.matching.aio.leader import Leader
from services.matching.aio.lease import Lease
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.patience import Patience
from services.matching.aio.publisher import Answer, Publisher, Verdict
from services.matching.aio.standby import Standby
from services.matching.aio.store_recovery import StoreRecovery
from services.matching.aio.takeover import Takeover
from services.matching.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from services.matching.kept_packets import FeedEntry
from services.matching.settings import MatchingSettings
from shared.aio.redis_connection import Redis, open_redis
from shared.commands import Command, ListInstrument, PlaceOrder, encode_commands
from shared.errors import LeadershipLost, StoreUnavailable
from shared.instrument import Instrument
from shared.packet import FeedId
from shared.snapshots import decode_book_state
from shared.stream_keys import StreamKeys
from shared.types import OrderKind, SelfTradePrevention, Side, TimeInForce

pytestmark = pytest.mark.needs_redis

KEYS = StreamKeys()


class FaultyPublisher(Publisher):
    """A publisher whose next calls fail as told: "lost" before or after they are done, or "cut" in the middle."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, KEYS, "me", lease_ms=60_000, feed_packets_max=10_000, command_entries_max=10_000)
        self.faults: list[str] = []

    async def publish(
        self, prev_id: FeedId, entries: Sequence[FeedEntry], values: Mapping[str, bytes], first_needed: str = ""
    ) -> Answer:
        fault = self.faults.pop() if self.faults else ""
        if fault == "request lost":
            raise ConnectionResetError(fault)
        if fault == "cut" and len(entries) > 1:
            answer = await super().publish(prev_id, entries[:1], {})
            return Answer(Verdict.REFUSED, "OOM") if answer.verdict is Verdict.APPENDED else answer
        answer = await super().publish(prev_id, entries, values, first_needed)
        if fault == "store restarted":
            self.store_id = "0" * 40  # as it was before: it lost nothing, but its answer and its name
        if fault in {"answer lost", "store restarted"}:
            raise ConnectionResetError(fault)
        return answer


class House:
    """A leader, its reader and a writer of commands, on one store."""

    def __init__(self, redis: Redis, seed: int = 1) -> None:
        self.redis = redis
        self.random = Random(seed)
        self.publisher = FaultyPublisher(redis)
        self.reader = CommandReader(redis, KEYS)
        self.appended: list[Command] = []
        self.told: dict[bytes, Any] = {}
        self.leader: Leader

    async def lead(self) -> None:
        settings = MatchingSettings(checkpoint_interval_s=1_000, snapshot_interval_s=1_000, lease_ms=60_000)
        metrics = MatchingMetrics(CollectorRegistry())
        patience = Patience(10.0, asyncio.Event(), self.random)
        lease = Lease(self.redis, KEYS, "me", 60_000)
        assert await lease.try_acquire()
        recovery = StoreRecovery(self.redis, KEYS, lease, self.reader)
        standby = Standby(self.redis, KEYS, self.reader, recovery, metrics)
        takeover = Takeover(
            self.redis, KEYS, lease, standby, recovery, self.publisher, settings, patience, metrics, self.random
        )
        self.leader = await takeover.run()
        self.reader.seek(self.leader.engine.log_id)

    async def append(self, *commands: Command) -> None:
        self.appended += commands
        await self.redis.xadd(KEYS.commands, {b"c": encode_commands(list(commands))})

    async def order(self) -> None:
        number = len(self.appended) + 1
        side = self.random.choice(list(Side))
        rules = (TimeInForce.GTC, False, SelfTradePrevention.CANCEL_OLDEST)
        price, quantity = self.random.randint(95, 105), self.random.randint(1, 9)
        user = self.random.choice(["ann", "bob", "cat"])
        await self.append(
            PlaceOrder("gw", number, user, "ACME", f"c{number}", side, OrderKind.LIMIT, price, quantity, *rules)
        )

    async def turn(self) -> None:
        """Read, apply, publish, as the service does."""
        for entry in await self.reader.read(block_ms=None):
            for command in entry.commands:
                self.leader.builder.apply(command, entry.time_us)
            self.leader.engine.log_id = entry.entry_id
        await self.leader.publish()
        if self.leader.rewound:
            self.leader.rewound = False
            self.reader.seek(self.leader.engine.log_id)
        feed = await self.feed()
        for feed_id, fields in self.told.items():
            assert feed[feed_id] == fields
        self.told = feed

    async def feed(self) -> dict[bytes, Any]:
        return dict(await self.redis.xrange(KEYS.feed))

    async def copy(self) -> dict[bytes, bytes]:
        return {key: await self.redis.dump(key) for key in await self.redis.keys()}

    async def roll_back(self, copy: dict[bytes, bytes]) -> None:
        """Make the store an earlier state of itself, as a failover does, and its gateways append again."""
        await self.redis.flushall()
        for key, value in copy.items():
            await self.redis.restore(key, 0, value)
        for command in self.appended:
            await self.redis.xadd(KEYS.commands, {b"c": encode_commands([command])})

    def state(self) -> bytes:
        engine = self.leader.engine
        log_id, engine.log_id = engine.log_id, "0-0"
        state = encode_checkpoint(Checkpoint(engine, 0, ""))
        engine.log_id = log_id
        return state


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url, "test") as client:
        yield client


@pytest.fixture
async def house(redis: Redis) -> House:
    house = House(redis)
    await house.lead()
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    await house.turn()
    return house


@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
async def test_a_lost_call_is_made_good(house: House, fault: str) -> None:
    """Done or not done cannot be known; the packet must be there once all the same."""
    await house.order()
    house.publisher.faults = [fault] * 2
    await house.turn()
    assert [feed_id.split(b"-")[1] for feed_id in await house.feed()] == [b"0", b"1", b"2"]


async def test_what_was_to_be_stored_is_stored_though_the_packet_had_landed(house: House, redis: Redis) -> None:
    """
    The packet lands, the store restarts before it answers, and the packet is recognised.

    The snapshots made for the next call must be stored all the same: the schedule counts them as such, and a cover
    that runs past them would let a gateway serve an old book as the present one.
    """
    for fault in ("", "", "", "store restarted"):
        await house.order()
        house.publisher.faults = [fault]
        await house.turn()
    await house.append(ListInstrument("leader", 2, Instrument("GPU")))
    await house.turn()
    assert house.leader is not None
    stored = decode_book_state(cast("bytes", await redis.get(KEYS.snapshot("ACME"))))
    assert stored.seq == house.leader.engine.markets["ACME"].book.seq
    checkpoint = decode_checkpoint(cast("bytes", await redis.get(KEYS.checkpoint)))
    assert checkpoint.store_id == house.publisher.store_id


async def test_a_healing_that_is_cut_short_is_continued(house: House) -> None:
    """The store filled up in the middle: what had landed is not appended again."""
    copy = await house.copy()
    for _ in range(5):
        await house.order()
        await house.turn()
    await house.roll_back(copy)
    await house.order()
    house.publisher.faults = ["cut"] * 4
    await house.turn()
    assert [int(feed_id.split(b"-")[1]) for feed_id in await house.feed()] == list(range(8))


async def test_healing_stores_a_checkpoint_of_what_the_log_lost(house: House) -> None:
    """The commands behind the healed packets may be gone for good; the next engine must have their effects."""
    copy = await house.copy()
    await house.order()
    await house.turn()
    house.appended.clear()  # nobody appends it again
    await house.roll_back(copy)
    await house.append(ListInstrument("leader", 2, Instrument("GPU")))
    await house.turn()
    await house.turn()  # the command after the failover is read from the log once more, and skipped
    state = house.state()
    await house.lead()
    assert house.leader.engine.position == 3
    assert house.state() == state


async def test_a_store_that_lost_more_than_is_kept_ends_the_leader(house: House, monkeypatch: Any) -> None:
    """It cannot be made whole by this one."""
    monkeypatch.setattr("services.matching.kept_packets.KEPT_PACKETS_MAX", 2)
    copy = await house.copy()
    for _ in range(4):
        await house.order()
        await house.turn()
    await house.roll_back(copy)
    await house.order()
    with pytest.raises(LeadershipLost, match="more than this leader has kept"):
        await house.turn()


async def test_a_stranger_in_the_feed_ends_the_leader(house: House, redis: Redis) -> None:
    """Of its own term or a higher one: the log goes on without it."""
    last = FeedId.parse(list(await house.feed())[-1])
    await redis.xadd(KEYS.feed, {"p": "?", "t": "0"}, id=str(FeedId(last.term, last.position + 1)))
    await house.order()
    with pytest.raises(LeadershipLost, match="goes on without"):
        await house.turn()


async def test_a_store_that_refuses_for_too_long_ends_the_leader(house: House, redis: Redis) -> None:
    """With Redis' own words."""
    await house.order()
    house.leader._patience = Patience(0.0, asyncio.Event(), house.random)
    maxmemory = (await redis.config_get("maxmemory"))["maxmemory"]
    await redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreUnavailable, match="OOM"):
            await house.turn()
    finally:
        await redis.config_set("maxmemory", maxmemory)


async def test_an_old_leader_that_still_writes_is_caught_up_with(house: House, redis: Redis) -> None:
    """Its packet came between recovery and announcement: the new leader recovers again."""
    old = house.leader
    new = House(redis)
    real = new.publisher.publish
    overtaken = []

    async def overtaken_once(prev_id: FeedId, entries: Sequence[FeedEntry], *rest: Any) -> Answer:
        if entries and not overtaken:
            overtaken.append(True)
            await house.order()
            await house.turn()
        return await real(prev_id, entries, *rest)

    new.publisher.publish = overtaken_once  # type: ignore[method-assign]
    await new.lead()
    assert overtaken
    assert new.leader.engine.position == old.engine.position == 2
    assert new.leader.term > old.term


@pytest.mark.parametrize("seed", range(12))
async def test_any_sequence_of_faults_leaves_the_feed_whole(redis: Redis, seed: int) -> None:
    """Orders, lost calls, roll-backs and takeovers at random; the seed is in the test's name."""
    house = House(redis, seed)
    await house.lead()
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    await house.turn()
    copy = await house.copy()
    faults = ["", "", "request lost", "answer lost", "cut"]
    for _ in range(40):
        chance = house.random.random()
        house.publisher.faults = house.random.choices(faults, k=2)
        if chance < 0.7:
            await house.order()
            await house.turn()
        elif chance < 0.8:
            copy = await house.copy()
        elif chance < 0.9:
            await house.roll_back(copy)
            await house.order()
            await house.turn()
        else:
            house.publisher.faults = []
            await house.turn()
            state = house.state()
            await house.leader.finish()
            await house.lead()
            assert house.state() == state
            house.told = await house.feed()
            copy = await house.copy()
    house.publisher.faults = []
    while await house.redis.xread({KEYS.commands: house.leader.engine.log_id}):
        await house.turn()
    positions = [int(feed_id.split(b"-")[1]) for feed_id in await house.feed()]
    assert sorted(set(positions)) == list(range(positions[-1] + 1))
    assert house.leader.engine.position == len(house.appended)
    house.leader.engine.check_invariants()
