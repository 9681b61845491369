"""A leader whose store loses answers, rolls back and refuses, in one process on a real server.

Whatever happens, the feed ends up as if nothing had: every packet once, in order, with its first bytes, and a
recovery from the store arrives at the leader's own state.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching.aio.command_reader import CommandReader
from services.matching.aio.leader import Leader
from services.matching.aio.lease import Lease
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.publisher import Answer, Publisher, StoreAnswer
from services.matching.aio.recovery.forked_image import InlineImage
from services.matching.aio.recovery.standby import Standby
from services.matching.aio.recovery.store_recovery import StoreRecovery
from services.matching.aio.retry_limit import RetryLimit
from services.matching.aio.settings import MatchingSettings
from services.matching.aio.store import open_store
from services.matching.aio.takeover import Takeover
from services.matching.recovery import snapshot_schedule
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint, read_head
from services.matching.recovery.sent_packets import KeptPackets, SentPacket
from shared.aio.redis_connection import Redis, open_redis
from shared.aio.redis_line import RedisLine
from shared.logs.commands import Command, ListInstrument, PlaceOrder, encode_commands
from shared.logs.packet import FeedId
from shared.logs.snapshots import decode_book_state
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry, LeadershipLost, StoreUnavailable

pytestmark = pytest.mark.needs_redis

KEYS = StreamKeys()


class FaultyPublisher(Publisher):
    """A publisher whose next calls fail as told: "lost" before or after they are done, or "cut" in the middle."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(
            RedisLine(redis),
            KEYS,
            "me",
            lease_ms=60_000,
            feed_packets_max=10_000,
            command_entries_max=10_000,
            ledger_hold_packets=20_000,
            ledger_hold_entries=20_000,
        )
        self.faults: list[str] = []

    async def publish(
        self, prev_id: FeedId, entries: Sequence[SentPacket], values: Mapping[str, bytes], *beside: Any
    ) -> Answer:
        fault = self.faults.pop() if self.faults else ""
        if fault == "request lost":
            raise ConnectionResetError(fault)
        if fault == "cut" and len(entries) > 1:
            answer = await super().publish(prev_id, entries[:1], {})
            return Answer(StoreAnswer.REFUSED, "OOM") if answer.kind is StoreAnswer.APPENDED else answer
        answer = await super().publish(prev_id, entries, values, *beside)
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
        self.line = RedisLine(redis)
        self.reader = CommandReader(self.line, KEYS)
        self.appended: list[Command] = []
        self.told: dict[bytes, Any] = {}
        self.registry = CollectorRegistry()
        self.leader: Leader

    def stand_by(self, checkpoint_interval_s: float = 1_000) -> None:
        """Get ready, as an engine does that does not lead yet."""
        settings = MatchingSettings(
            checkpoint_interval_s=checkpoint_interval_s, snapshot_interval_s=1_000, lease_ms=60_000
        )
        self.registry = CollectorRegistry()
        metrics = MatchingMetrics(self.registry)
        limit = RetryLimit(10.0, asyncio.Event(), self.random)
        self.lease = Lease(self.redis, KEYS, "me", 60_000)
        store = open_store(settings, self.redis, self.publisher, self.lease, limit, metrics)
        recovery = StoreRecovery(self.redis, KEYS, self.lease, self.reader, store.checkpoints, metrics)
        self.standby = Standby(self.line, KEYS, self.reader, recovery, metrics)
        self.takeover = Takeover(store, self.standby, recovery, settings, self.random, InlineImage)

    async def take_over(self) -> None:
        """Lead with what has been followed."""
        assert await self.lease.try_acquire()
        self.leader = await self.takeover.run()
        self.reader.seek(self.leader.engine.log_id)

    async def lead(self, checkpoint_interval_s: float = 1_000) -> None:
        """Lead with what the store holds."""
        self.stand_by(checkpoint_interval_s)
        await self.take_over()

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

    async def turn_with_a_checkpoint(self) -> None:
        """A turn behind which a checkpoint is made, and waits for the next one."""
        await self.turn()
        making = asyncio.TaskGroup()
        async with asyncio.timeout(10), making:
            task = making.create_task(self.leader.checkpoints.run())
            while self.leader.checkpoints._ready is None or self.leader.checkpoints._image is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            task.cancel()

    async def damage(self, key: str) -> None:
        """One bit, as disks and memories do it."""
        data = bytearray(cast("bytes", await self.redis.get(key)))
        data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        await self.redis.set(key, bytes(data))

    def refused(self) -> float | None:
        return self.registry.get_sample_value("outcry_matching_checkpoints_refused_total")

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
    assert stored.seq == house.leader.engine.instruments["ACME"].book.seq
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
    monkeypatch.setattr("services.matching.recovery.sent_packets.KEPT_PACKETS_MAX", 2)
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
    house.leader._retry_limit = RetryLimit(0.0, asyncio.Event(), house.random)
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

    async def overtaken_once(prev_id: FeedId, entries: Sequence[SentPacket], *rest: Any) -> Answer:
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


async def test_a_standby_gives_its_market_to_a_store_that_lost_all_of_it(house: House, redis: Redis) -> None:
    """More than any ring holds, that is: the orders rest again, in a new epoch, behind a hole in the feed."""
    next_one = House(redis, seed=2)
    next_one.stand_by()
    for _ in range(5):
        await house.order()
        await house.turn()
        await next_one.standby.follow(None)
    shadow = next_one.standby.shadow
    assert shadow is not None
    shadow.kept = KeptPackets()
    orders, epoch = dict(shadow.engine.instruments), shadow.engine.epoch
    await redis.flushall()
    await next_one.take_over()
    engine = next_one.leader.engine
    assert engine is shadow.engine
    assert (engine.epoch != epoch, engine.instruments) == (True, orders)
    feed = [FeedId.parse(feed_id) for feed_id in await next_one.feed()]
    assert feed == [FeedId(next_one.leader.term, engine.position)]
    after = House(redis)
    await after.lead()
    assert after.leader.engine.instruments["ACME"].book_state(1, "0-0") == engine.instruments["ACME"].book_state(
        1, "0-0"
    )
    assert after.leader.engine.epoch == engine.epoch


async def positions_kept(redis: Redis) -> list[int]:
    """Where the newest and the previous checkpoint stand."""
    kept = cast("list[bytes]", await redis.mget(KEYS.checkpoint, KEYS.previous_checkpoint))
    return [read_head(data).position for data in kept]


async def test_a_term_begins_with_two_checkpoints_that_are_the_same(house: House, redis: Redis) -> None:
    """Rules and epoch may be others than an older one says."""
    assert await positions_kept(redis) == [0, 0]


async def test_a_checkpoint_made_beside_the_market_is_stored_with_a_later_packet(redis: Redis) -> None:
    """As the market stood when it was begun; the one before it is kept, and what that one needs of the log."""
    house = House(redis)
    house.publisher._command_entries_max = 1
    await house.lead(checkpoint_interval_s=0)
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    for _ in range(3):
        await house.turn_with_a_checkpoint()
        await house.order()
    # That of position 0 stands in the store whole, twice; those of 1 and 2 have been stored, that of 3 waits.
    assert house.leader.engine.position == 3
    assert await positions_kept(redis) == [2, 1]
    needed = read_head(cast("bytes", await redis.get(KEYS.previous_checkpoint))).log_id
    assert await redis.xrange(KEYS.commands, needed, needed)


async def test_a_deep_books_snapshot_is_made_beside_the_market(redis: Redis, monkeypatch: Any) -> None:
    """Late joiners find it with the checkpoint, as the book stood then, and go on in the feed behind `cover`."""
    monkeypatch.setattr(snapshot_schedule, "LEVELS_PER_PACKET_MAX", 0)
    house = House(redis)
    await house.lead(checkpoint_interval_s=0)
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    await house.turn_with_a_checkpoint()
    await house.order()
    await house.turn_with_a_checkpoint()
    begun, seq = house.leader.last_id, house.leader.engine.instruments["ACME"].book.seq
    await house.order()
    await house.turn()
    stored = decode_book_state(cast("bytes", await redis.get(KEYS.snapshot("ACME"))))
    assert (stored.feed_id, stored.seq) == (str(begun), seq)
    assert FeedId.parse(cast("bytes", await redis.get(KEYS.cover))) == begun
    records = house.leader.stored_values
    assert [records.lost(records.next_look(), await redis.mget(records.next_look())) for _ in range(2)] == [[], []]
    await redis.delete(KEYS.snapshot("ACME"))
    assert [records.lost(keys := records.next_look(), await redis.mget(keys)) for _ in range(2)][1] == [
        KEYS.snapshot("ACME")
    ]


async def test_a_checkpoint_whose_answer_was_lost_is_made_good(redis: Redis) -> None:
    """The call had landed and used up what was waiting: the market stores itself, and the packet is there once."""
    house = House(redis)
    await house.lead(checkpoint_interval_s=0)
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    await house.turn_with_a_checkpoint()
    await house.order()
    house.publisher.faults = ["answer lost"]
    await house.turn()
    assert await positions_kept(redis) == [2, 2]
    assert [int(feed_id.split(b"-")[1]) for feed_id in await house.feed()] == [0, 1, 2]


async def test_healing_leaves_no_checkpoint_that_leads_elsewhere(redis: Redis) -> None:
    """The commands behind an older one are lost with the store's tail: from it one would miss an order."""
    house = House(redis)
    await house.lead(checkpoint_interval_s=0)
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    await house.turn_with_a_checkpoint()
    copy = await house.copy()
    await house.order()
    await house.turn_with_a_checkpoint()
    house.appended.clear()  # nobody appends it again
    await house.roll_back(copy)
    await house.append(ListInstrument("leader", 2, Instrument("GPU")))
    await house.turn()
    state = house.state()
    await house.damage(KEYS.checkpoint)
    await house.lead()
    assert house.refused() == 1
    assert house.state() == state


async def test_a_checkpoint_that_failed_is_made_up_for_with_the_next_packet(redis: Redis) -> None:
    """Else both logs would grow until another one succeeds, which may be never."""
    house = House(redis)
    await house.lead(checkpoint_interval_s=0)
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    await house.turn()
    house.leader.checkpoints._fail("the child died")
    await house.order()
    await house.turn()
    assert await positions_kept(redis) == [2, 2]
    assert not house.leader.checkpoints.has_failed


async def test_a_checkpoint_under_way_is_abandoned_once_the_leader_has_stored_one_itself(redis: Redis) -> None:
    """It shows an earlier moment, before which the log may be gone: it must not become the newest afterwards."""
    house = House(redis)
    await house.lead(checkpoint_interval_s=0)
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    await house.turn()
    under_way = house.leader.checkpoints
    assert under_way._is_wanted
    await house.order()
    house.leader._schedule.everything()
    await house.turn()
    assert not under_way._is_wanted
    assert await positions_kept(redis) == [2, 2]


async def test_what_an_earlier_leader_published_can_be_healed(house: House, redis: Redis) -> None:
    """The last packets are read back when a term begins: most failovers lose less than those."""
    for _ in range(2):
        await house.order()
        await house.turn()
    copy = await house.copy()
    for _ in range(2):
        await house.order()
        await house.turn()
    epoch, state = house.leader.engine.epoch, house.state()
    await house.lead()
    await house.roll_back(copy)
    await house.leader.publish()
    await house.leader.finish()
    assert (house.leader.engine.epoch, house.state()) == (epoch, state)
    assert [int(feed_id.split(b"-")[1]) for feed_id in await house.feed()] == [0, 1, 2, 3, 4, 5, 5]


async def test_a_standby_does_not_replace_a_history_that_went_on_without_it(house: House, redis: Redis) -> None:
    """It followed a term that the store forgot; who leads since has a lower one, so that reading on brings nothing."""
    copy = await house.copy()
    forgotten, standby, present = House(redis, 2), House(redis, 3), House(redis, 4)
    await redis.set(KEYS.term, time.time_ns() // 1_000 + 10**9)
    forgotten.appended = list(house.appended)
    await forgotten.lead()
    await forgotten.order()
    await forgotten.turn()
    standby.stand_by()
    await standby.standby.follow(None)
    await house.roll_back(copy)
    present.appended = list(house.appended)
    await present.lead()
    for _ in range(3):
        await present.order()
        await present.turn()
    assert present.leader.term < forgotten.leader.term
    state, orders = present.state(), present.leader.engine.last_order_id
    await standby.take_over()
    assert standby.leader.engine.last_order_id == orders == 3
    assert standby.state() == state


async def test_a_store_that_lost_its_tail_is_healed_from_its_previous_checkpoint(house: House, redis: Redis) -> None:
    """What the leader asks of it is where the log goes on; from an older place it reads more, and skips it."""
    copy = await house.copy()
    for _ in range(3):
        await house.order()
        await house.turn()
    await house.roll_back(copy)
    await house.damage(KEYS.checkpoint)
    await house.order()
    await house.turn()
    await house.turn()
    assert house.refused() == 1
    assert [int(feed_id.split(b"-")[1]) for feed_id in await house.feed()] == list(range(6))
    assert await positions_kept(redis) == [5, 5]


@pytest.mark.parametrize("seed", range(6))
async def test_a_damaged_checkpoint_changes_nothing_that_is_told(redis: Redis, seed: int) -> None:
    """The next engine stands where the last one stood, in its epoch, and repeats no packet."""
    house = House(redis, seed)
    await house.lead(checkpoint_interval_s=0)
    await house.append(ListInstrument("leader", 1, Instrument("ACME")))
    for _ in range(house.random.randint(2, 8)):
        await house.turn_with_a_checkpoint()
        await house.order()
    await house.turn()
    state, told, epoch = house.state(), await house.feed(), house.leader.engine.epoch
    await house.damage(KEYS.checkpoint)
    await house.lead()
    assert house.refused() == 1
    assert (house.state(), house.leader.engine.epoch) == (state, epoch)
    *before, marker = (await house.feed()).items()
    assert dict(before) == told
    assert marker[0].endswith(b"-%d" % house.leader.engine.position)


async def test_two_damaged_checkpoints_end_the_recovery(house: House) -> None:
    """A market without its orders would be worse than none."""
    await house.damage(KEYS.checkpoint)
    await house.damage(KEYS.previous_checkpoint)
    with pytest.raises(CorruptEntry, match="checkpoint:previous"):
        await house.lead()
    assert house.refused() == 2


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
