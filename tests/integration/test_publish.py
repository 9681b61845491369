"""publish.lua on a real server: one call appends and stores all, or nothing.

The fencing of leaders, the healing of stores and the truth of snapshots rest on these answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.matching.aio.publisher import (
    TRIMMED_MAX,
    UNKNOWN_STORE,
    Answer,
    NextCheckpoint,
    Publisher,
    StoreAnswer,
    WholeCheckpoint,
)
from services.matching.recovery.checkpoint_pair import StagedCheckpoint, StagedSnapshot
from services.matching.recovery.sent_packets import SentPacket
from shared.aio.redis_connection import Redis, RedisConnectionError, open_redis
from shared.aio.redis_line import RedisLine
from shared.logs.ledger_place import LedgerPlace, encode_ledger_place
from shared.logs.packet import FEED_START, FeedId
from shared.logs.stream_keys import StreamKeys
from tests.real_redis import RealRedis

pytestmark = pytest.mark.needs_redis

KEYS = StreamKeys()
SNAPSHOT = KEYS.snapshot("ACME")


def publisher_of(redis: Redis, leader: str = "me", **limits: int) -> Publisher:
    hold = {"ledger_hold_packets": 600, "ledger_hold_entries": 700}
    given = {"lease_ms": 60_000, "feed_packets_max": 1_000, "command_entries_max": 1_000, **hold, **limits}
    return Publisher(RedisLine(redis), KEYS, leader, **given)


def entry(feed_id: FeedId, prev_id: FeedId = FEED_START) -> SentPacket:
    return SentPacket(feed_id, prev_id, f"packet {feed_id}".encode(), 1_000_000 + feed_id.position)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url, "test") as client:
        yield client


@pytest.fixture
async def publisher(redis: Redis) -> Publisher:
    publisher = publisher_of(redis)
    publisher.store_id = (await publisher.ask_store_id()).detail
    return publisher


async def feed_ids(redis: Redis) -> list[str]:
    return [feed_id.decode() for feed_id, _ in await redis.xrange(KEYS.feed)]


async def test_appends_stores_and_takes_the_lease(redis: Redis, publisher: Publisher) -> None:
    """The good case is one call: packet, snapshots and lease together."""
    first = entry(FeedId(7, 3))
    answer = await publisher.publish(FEED_START, [first], {SNAPSHOT: b"s", KEYS.cover: b"7-3"})
    assert answer == Answer(StoreAnswer.APPENDED, "7-3")
    assert await redis.xrange(KEYS.feed) == [(b"7-3", {b"p": b"packet 7-3", b"t": b"1000003"})]
    assert await redis.mget(SNAPSHOT, KEYS.cover) == [b"s", b"7-3"]
    assert await redis.get(KEYS.lease) == b"me"
    assert 50_000 < await redis.pttl(KEYS.lease) <= 60_000


async def test_works_after_the_server_forgot_its_scripts(redis: Redis, publisher: Publisher) -> None:
    """A server that restarts knows no scripts."""
    await redis.script_flush()
    answer = await publisher.publish(FEED_START, [entry(FeedId(7, 3))], {})
    assert answer.kind is StoreAnswer.APPENDED


@pytest.mark.parametrize("wrong", [FeedId(7, 3), FeedId(7, 2), FeedId(6, 9)])
async def test_an_equal_or_lower_id_is_refused(redis: Redis, publisher: Publisher, wrong: FeedId) -> None:
    """Ids only rise: this is what fences an old leader when all else fails. Refused means nothing is stored."""
    last = FeedId(7, 3)
    await publisher.publish(FEED_START, [entry(last)], {SNAPSHOT: b"old"})
    await redis.pexpire(KEYS.lease, 5_000)
    answer = await publisher.publish(last, [entry(wrong, last)], {SNAPSHOT: b"new"})
    assert answer.kind is StoreAnswer.REFUSED
    assert "equal or smaller" in answer.detail
    assert await redis.get(SNAPSHOT) == b"old"
    assert await feed_ids(redis) == ["7-3"]
    assert await redis.pttl(KEYS.lease) <= 5_000


async def test_stores_nothing_when_a_later_packet_is_refused(redis: Redis, publisher: Publisher) -> None:
    """Scripts do not roll back: of a healing cut short the packets may stay, since the next one goes on behind them."""
    entries = [entry(FeedId(7, 3)), entry(FeedId(7, 3), FeedId(7, 3))]
    answer = await publisher.publish(FEED_START, entries, {SNAPSHOT: b"new"})
    assert answer.kind is StoreAnswer.REFUSED
    assert await feed_ids(redis) == ["7-3"]
    assert not await redis.exists(SNAPSHOT)


async def test_a_full_store_refuses_and_stores_nothing(redis_server: RealRedis) -> None:
    """Out of memory must never leave a snapshot that is ahead of the feed."""
    async with open_redis(redis_server.url, "test") as redis:
        publisher = publisher_of(redis)
        publisher.store_id = (await publisher.ask_store_id()).detail
        await redis.config_set("maxmemory", "1")
        answer = await publisher.publish(FEED_START, [entry(FeedId(7, 3))], {SNAPSHOT: b"new"})
        assert answer.kind is StoreAnswer.REFUSED
        assert "OOM" in answer.detail
        assert await redis.exists(SNAPSHOT, KEYS.feed, KEYS.lease) == 0


@pytest.mark.parametrize(
    ("last", "predecessor", "verdict"),
    [
        (FeedId(7, 3), FeedId(7, 4), StoreAnswer.BEHIND),
        (FeedId(6, 9), FeedId(7, 4), StoreAnswer.BEHIND),
        (FeedId(9, 9), FeedId(10, 1), StoreAnswer.BEHIND),
        (FeedId(7, 3), FeedId(7, 2), StoreAnswer.AHEAD),
        (FeedId(8, 1), FeedId(7, 2), StoreAnswer.AHEAD),
        (FeedId(7, 10), FeedId(7, 9), StoreAnswer.AHEAD),
    ],
)
async def test_answers_where_the_feed_stands(
    redis: Redis, publisher: Publisher, last: FeedId, predecessor: FeedId, verdict: StoreAnswer
) -> None:
    """Behind is healed and ahead is judged, so the two must never be confused; ids compare as numbers, not as text."""
    await publisher.publish(FEED_START, [entry(last)], {})
    answer = await publisher.publish(predecessor, [entry(FeedId(99, 99), predecessor)], {SNAPSHOT: b"new"})
    assert answer == Answer(verdict, str(last))
    assert await feed_ids(redis) == [str(last)]
    assert not await redis.exists(SNAPSHOT)


async def test_an_empty_feed_is_behind(publisher: Publisher) -> None:
    """A wiped store is one that lost everything."""
    answer = await publisher.publish(FeedId(7, 3), [entry(FeedId(7, 4), FeedId(7, 3))], {})
    assert answer == Answer(StoreAnswer.BEHIND, "0-0")


async def test_another_leaders_lease_refuses(redis: Redis, publisher: Publisher) -> None:
    """An engine that was frozen through its lease must notice at its first word."""
    await redis.set(KEYS.lease, "other", px=5_000)
    answer = await publisher.publish(FEED_START, [entry(FeedId(7, 3))], {SNAPSHOT: b"new"})
    assert answer == Answer(StoreAnswer.NOT_LEADER, "other")
    assert await redis.exists(SNAPSHOT, KEYS.feed) == 0
    assert await redis.get(KEYS.lease) == b"other"
    assert await redis.pttl(KEYS.lease) <= 5_000


async def test_a_lease_is_not_taken_by_who_may_not_append(redis: Redis, publisher: Publisher) -> None:
    """A fenced engine that finds the lease free must leave it free."""
    await publisher.publish(FEED_START, [entry(FeedId(8, 1))], {})
    await redis.delete(KEYS.lease)
    answer = await publisher.publish(FeedId(7, 3), [entry(FeedId(7, 4), FeedId(7, 3))], {})
    assert answer.kind is StoreAnswer.AHEAD
    assert not await redis.exists(KEYS.lease)


async def test_a_free_lease_is_taken_again(redis: Redis, publisher: Publisher) -> None:
    """A leader that was slow, while nobody else came, goes on."""
    await publisher.publish(FEED_START, [entry(FeedId(7, 3))], {})
    await redis.delete(KEYS.lease)
    answer = await publisher.publish(FeedId(7, 3), [entry(FeedId(7, 4), FeedId(7, 3))], {})
    assert answer.kind is StoreAnswer.APPENDED
    assert await redis.get(KEYS.lease) == b"me"


async def test_a_restarted_store_is_noticed_before_anything_is_written(redis_server: RealRedis) -> None:
    """What restarts may have lost its tail, and a pooled connection heals itself without a word."""
    async with open_redis(redis_server.url, "test") as redis:
        publisher = publisher_of(redis)
        known = await publisher.ask_store_id()
        publisher.store_id = known.detail
        assert known.detail not in {"", UNKNOWN_STORE}
        await publisher.publish(FEED_START, [entry(FeedId(7, 3))], {})
        await redis.connection_pool.disconnect()
        redis_server.kill()
        redis_server.start()
        answer = await publisher.publish(FeedId(7, 3), [entry(FeedId(7, 4), FeedId(7, 3))], {SNAPSHOT: b"new"})
        assert answer.kind is StoreAnswer.CHANGED
        assert answer.detail not in {"", known.detail}
        assert await feed_ids(redis) == ["7-3"]
        publisher.store_id = answer.detail
        answer = await publisher.publish(FeedId(7, 3), [entry(FeedId(7, 4), FeedId(7, 3))], {})
        assert answer.kind is StoreAnswer.APPENDED


async def test_values_alone_are_stored_too(redis: Redis, publisher: Publisher) -> None:
    """The last checkpoint of a leader that ends comes without a packet, under the same conditions."""
    await publisher.publish(FEED_START, [entry(FeedId(7, 3))], {})
    assert await publisher.publish(FeedId(7, 3), [], {SNAPSHOT: b"s"}) == Answer(StoreAnswer.APPENDED, "7-3")
    assert (await publisher.publish(FeedId(7, 2), [], {SNAPSHOT: b"wrong"})).kind is StoreAnswer.AHEAD
    assert await redis.get(SNAPSHOT) == b"s"


async def test_the_feed_is_trimmed_and_its_last_entry_stays(redis: Redis) -> None:
    """Retention is bounded, about."""
    publisher = publisher_of(redis, feed_packets_max=100)
    publisher.store_id = (await publisher.ask_store_id()).detail
    ids = [FeedId(7, position) for position in range(1, 1_001)]
    entries = [entry(feed_id) for feed_id in ids]
    assert (await publisher.publish(FEED_START, entries, {})).kind is StoreAnswer.APPENDED
    assert 100 <= await redis.xlen(KEYS.feed) <= 300
    assert (await feed_ids(redis))[-1] == "7-1000"


async def test_the_feed_keeps_what_no_snapshot_holds(redis: Redis) -> None:
    """Whoever joins reads on after `cover`: a gap there could never be closed. The limit yields."""
    publisher = publisher_of(redis, feed_packets_max=100)
    publisher.store_id = (await publisher.ask_store_id()).detail
    entries = [entry(FeedId(7, position)) for position in range(1, 1_001)]
    await publisher.publish(FEED_START, entries, {KEYS.cover: b"7-200"}, uncovered=800)
    assert await feed_ids(redis) == [f"7-{position}" for position in range(201, 1_001)]


async def test_no_checkpoint_no_trimming_and_never_beyond_what_it_needs(redis: Redis) -> None:
    """What recovery still needs stays, whatever the limit says."""
    publisher = publisher_of(redis, command_entries_max=10)
    publisher.store_id = (await publisher.ask_store_id()).detail
    for number in range(1, 501):
        await redis.xadd(KEYS.commands, {"c": "x"}, id=f"{number}-0")
    await publisher.publish(FEED_START, [entry(FeedId(7, 1))], {})
    assert await redis.xlen(KEYS.commands) == 500
    await publisher.publish(FeedId(7, 1), [], {}, WholeCheckpoint(b"checkpoint", "350-0"))
    [(oldest, _)] = await redis.xrange(KEYS.commands, count=1)
    assert 1 < int(oldest.split(b"-")[0]) <= 350
    assert await redis.xrange(KEYS.commands, "350-0", "350-0")


async def hold_for_ledger(redis: Redis, feed_id: str, log_id: str, *, length: int) -> tuple[int, int, int, int]:
    """Fill both logs, with a ledger at a place; returns the first numbers and the lengths that are left."""
    publisher = publisher_of(redis, feed_packets_max=FEED, command_entries_max=10)
    publisher.store_id = (await publisher.ask_store_id()).detail
    await redis.set(KEYS.ledger, encode_ledger_place(LedgerPlace(FeedId.parse(feed_id), log_id)))
    await fill_log(redis, length)
    entries = [entry(FeedId(7, position)) for position in range(1, length + 1)]
    await publisher.publish(FEED_START, entries, {}, WholeCheckpoint(b"checkpoint", f"{length}-0"))
    last = entry(FeedId(7, length + 1), FeedId(7, length))
    assert (await publisher.publish(FeedId(7, length), [last], {})).kind is StoreAnswer.APPENDED
    found: list[int] = []
    for key, part in ((KEYS.feed, 1), (KEYS.commands, 0)):
        [(oldest, _)] = await redis.xrange(key, count=1)
        found += (int(oldest.split(b"-")[part]), await redis.xlen(key))
    return found[0], found[2], found[1], found[3]


FEED = 150
"""Packets that readers have without a ledger: no whole number of nodes, which hide by how much too many go."""
NODE = 100
"""Entries that Redis trims together, at most."""


async def test_nothing_that_the_ledger_has_not_written_is_trimmed(redis: Redis) -> None:
    packet, command, _, _ = await hold_for_ledger(redis, "7-250", "300-0", length=500)
    assert 250 - NODE < packet <= 250
    assert 300 - NODE < command <= 300


async def test_a_ledger_that_has_all_leaves_readers_what_they_have_without_one(redis: Redis) -> None:
    _, command, packets, _ = await hold_for_ledger(redis, "7-500", "500-0", length=500)
    assert FEED <= packets <= FEED + NODE
    assert command > 500 - NODE


async def test_the_market_waits_for_no_ledger_beyond_what_may_be_held(redis: Redis) -> None:
    """600 packets and 700 entries: then the ledger has a gap, and the market goes on."""
    packet, command, packets, commands = await hold_for_ledger(redis, "7-1", "1-0", length=2_000)
    assert 600 <= packets <= 600 + NODE
    assert 700 <= commands <= 700 + NODE
    assert packet > 1_000
    assert command > 1_000


@pytest.mark.parametrize("place", [b"", b"rubbish", b"7-1", b"7-1 1-0 x"])
async def test_who_is_no_ledger_is_not_waited_for(redis: Redis, place: bytes) -> None:
    publisher = publisher_of(redis, feed_packets_max=100)
    publisher.store_id = (await publisher.ask_store_id()).detail
    await redis.set(KEYS.ledger, place)
    entries = [entry(FeedId(7, position)) for position in range(1, 501)]
    await publisher.publish(FEED_START, entries, {})
    assert await redis.xlen(KEYS.feed) <= 100 + NODE


async def test_a_place_that_is_no_text_is_not_waited_for(redis: Redis) -> None:
    publisher = publisher_of(redis, feed_packets_max=100)
    publisher.store_id = (await publisher.ask_store_id()).detail
    await redis.rpush(KEYS.ledger, "7-1 1-0")
    entries = [entry(FeedId(7, position)) for position in range(1, 501)]
    assert (await publisher.publish(FEED_START, entries, {})).kind is StoreAnswer.APPENDED
    assert await redis.xlen(KEYS.feed) <= 100 + NODE


async def fill_log(redis: Redis, entries: int) -> None:
    pipeline = redis.pipeline(transaction=False)
    for number in range(1, entries + 1):
        pipeline.xadd(KEYS.commands, {"c": "x"}, id=f"{number}-0")
    await pipeline.execute()


async def test_the_command_log_comes_back_to_its_bound_whatever_came_between_two_checkpoints(redis: Redis) -> None:
    """Redis trims 10,000 entries a call, whoever asks for more: what one leaves the next publication must take."""
    publisher = publisher_of(redis, command_entries_max=10)
    publisher.store_id = (await publisher.ask_store_id()).detail
    await fill_log(redis, 45_000)
    await publisher.publish(FEED_START, [entry(FeedId(7, 1))], {}, WholeCheckpoint(b"checkpoint", "44950-0"))
    lengths = [await redis.xlen(KEYS.commands)]
    for position in range(2, 7):
        await publisher.publish(FeedId(7, position - 1), [entry(FeedId(7, position), FeedId(7, position - 1))], {})
        lengths.append(await redis.xlen(KEYS.commands))
    assert lengths[0] == 45_000 - TRIMMED_MAX, "a call holds up the store for one slice"
    assert lengths[-1] <= 51 + 100, "what is needed, and a node of Redis"
    assert await redis.xrange(KEYS.commands, "44950-0", "44950-0")


async def test_a_checkpoint_that_was_not_stored_trims_nothing(redis: Redis, publisher: Publisher) -> None:
    """Else the log would lose what the checkpoint in the store needs, of a publication that was refused."""
    publisher = publisher_of(redis, command_entries_max=10)
    publisher.store_id = (await publisher.ask_store_id()).detail
    await fill_log(redis, 1_000)
    await publisher.publish(FEED_START, [entry(FeedId(7, 1))], {}, WholeCheckpoint(b"checkpoint", "1-0"))
    stray = FeedId(7, 5)
    answer = await publisher.publish(stray, [entry(FeedId(7, 6), stray)], {}, WholeCheckpoint(b"later", "900-0"))
    assert answer.kind is StoreAnswer.BEHIND
    await publisher.publish(FeedId(7, 1), [entry(FeedId(7, 2), FeedId(7, 1))], {})
    assert await redis.xlen(KEYS.commands) == 1_000


async def test_a_whole_checkpoint_becomes_both(redis: Redis, publisher: Publisher) -> None:
    """Where an older one would lead to another market there must be none."""
    await redis.mset({KEYS.checkpoint: b"old", KEYS.previous_checkpoint: b"older"})
    answer = await publisher.publish(
        FEED_START, [entry(FeedId(7, 3))], {KEYS.accounts: b"a"}, WholeCheckpoint(b"new", "5-0")
    )
    assert answer.kind is StoreAnswer.APPENDED
    assert await redis.mget(KEYS.checkpoint, KEYS.previous_checkpoint, KEYS.accounts) == [b"new", b"new", b"a"]


async def stage(redis: Redis, number: int) -> StagedCheckpoint:
    deep = StagedSnapshot(SNAPSHOT, f"{KEYS.prefix}staged-snapshot-{number}", 1, 0)
    staged = StagedCheckpoint(f"{KEYS.prefix}staged-{number}", f"{KEYS.prefix}accounts-{number}", "9-0", [deep])
    for key in (*staged[:2], deep.staged):
        await redis.set(key, f"{number}", px=60_000)
    return staged


async def test_a_staged_checkpoint_takes_its_place_and_the_newest_becomes_the_previous(
    redis: Redis, publisher: Publisher
) -> None:
    """In one step with the packet; and they stay: what waits is soon forgotten, what is stored must not be."""
    for number in (1, 2, 3):
        staged = await stage(redis, number)
        prev_id = FeedId(7, number - 1) if number > 1 else FEED_START
        fresh = entry(FeedId(7, number), prev_id)
        answer = await publisher.publish(prev_id, [fresh], {KEYS.cover: b"7-0"}, NextCheckpoint(staged, "5-0"))
        assert answer.kind is StoreAnswer.APPENDED
    kept = (KEYS.checkpoint, KEYS.previous_checkpoint, KEYS.accounts, SNAPSHOT)
    assert await redis.mget(kept) == [b"3", b"2", b"3", b"3"]
    assert [await redis.pttl(key) for key in kept] == [-1, -1, -1, -1]
    assert len(await redis.keys("*staged*")) == 0


@pytest.mark.parametrize("missing", [0, 1, 2])
async def test_what_no_longer_waits_stores_nothing(redis: Redis, publisher: Publisher, missing: int) -> None:
    """Half of it would be worse than none: the packet is not appended either, so that the leader can think again."""
    await redis.set(KEYS.checkpoint, b"old")
    staged = await stage(redis, 1)
    await redis.delete([staged.checkpoint, staged.accounts, staged.snapshots[0].staged][missing])
    values = {KEYS.listing: b"l"}
    answer = await publisher.publish(FEED_START, [entry(FeedId(7, 3))], values, NextCheckpoint(staged, "5-0"))
    assert answer == Answer(StoreAnswer.UNSTAGED, "0-0")
    assert await redis.exists(KEYS.feed, SNAPSHOT, KEYS.listing, KEYS.previous_checkpoint, KEYS.lease) == 0
    assert await redis.get(KEYS.checkpoint) == b"old"


async def test_a_checkpoint_is_not_stored_by_who_may_not_append(redis: Redis, publisher: Publisher) -> None:
    """An engine that was frozen may have one waiting; by then the market is elsewhere."""
    await publisher.publish(FEED_START, [entry(FeedId(8, 1))], {}, WholeCheckpoint(b"theirs", "5-0"))
    staged = await stage(redis, 1)
    for checkpoint in (NextCheckpoint(staged, "5-0"), WholeCheckpoint(b"mine", "5-0")):
        answer = await publisher.publish(FeedId(7, 3), [entry(FeedId(7, 4), FeedId(7, 3))], {}, checkpoint)
        assert answer.kind is StoreAnswer.AHEAD
    assert await redis.mget(KEYS.checkpoint, KEYS.previous_checkpoint) == [b"theirs", b"theirs"]


async def test_reads_its_own_entry_back(redis: Redis, publisher: Publisher) -> None:
    """After a lost answer only the very same bytes and time prove that the call had landed."""
    mine = entry(FeedId(7, 3))
    await publisher.publish(FEED_START, [mine], {})
    assert await publisher.holds(mine)
    assert not await publisher.holds(mine._replace(packet=b"other"))
    assert not await publisher.holds(mine._replace(published_us=1))
    assert not await publisher.holds(entry(FeedId(7, 4)))


async def test_a_primary_that_has_become_a_replica_is_left(redis_server: RealRedis) -> None:
    """Only a new connection finds the one that leads now; on the old one every call would be refused for ever."""
    async with open_redis(redis_server.url, "test") as redis:
        publisher = publisher_of(redis)
        publisher.store_id = (await publisher.ask_store_id()).detail
        await redis.execute_command("REPLICAOF", "127.0.0.1", "1")
        wire = publisher._line._wire
        assert wire is not None
        with pytest.raises(RedisConnectionError):
            await publisher.publish(FEED_START, [entry(FeedId(7, 3))], {})
        assert wire.is_closing()
        assert await redis.get(KEYS.lease) is None


async def test_a_feed_whose_end_was_cut_goes_on_only_with_all_snapshots(redis: Redis, publisher: Publisher) -> None:
    """Its readers know where they are; who starts from older snapshots would find no way to what comes."""
    first, second = FeedId(7, 1), FeedId(7, 2)
    assert (await publisher.publish(FEED_START, [entry(first)], {})).kind is StoreAnswer.APPENDED
    await redis.xtrim(KEYS.feed, maxlen=0, approximate=False)
    assert await publisher.last_used() == first
    cut = await publisher.publish(first, [entry(second, first)], {})
    assert cut == Answer(StoreAnswer.CUT, str(first))
    whole = WholeCheckpoint(b"whole", "0-0")
    assert (await publisher.publish(first, [entry(second, first)], {}, whole)).kind is StoreAnswer.APPENDED
    assert await feed_ids(redis) == [str(second)]


async def test_a_cut_feed_still_refuses_who_does_not_know_its_end(redis: Redis, publisher: Publisher) -> None:
    """Another may have led, and what it wrote is gone: the ids say so."""
    last = FeedId(9, 3)
    assert (await publisher.publish(FEED_START, [entry(last)], {})).kind is StoreAnswer.APPENDED
    await redis.xtrim(KEYS.feed, maxlen=0, approximate=False)
    for mine, verdict in ((FeedId(8, 3), StoreAnswer.AHEAD), (FeedId(9, 5), StoreAnswer.BEHIND)):
        whole = WholeCheckpoint(b"whole", "0-0")
        answer = await publisher.publish(mine, [entry(FeedId(10, 6), mine)], {}, whole)
        assert answer == Answer(verdict, str(last))
    await redis.xadd(KEYS.feed, {"x": "y"}, id="9-4")
    await redis.xadd(KEYS.feed, {"x": "y"}, id="9-9")
    await redis.xdel(KEYS.feed, "9-9")
    answer = await publisher.publish(FeedId(9, 4), [entry(FeedId(9, 5), FeedId(9, 4))], {})
    assert answer == Answer(StoreAnswer.AHEAD, "9-9")


async def test_a_lease_that_is_no_string_names_nobody(redis: Redis, publisher: Publisher) -> None:
    await redis.rpush(KEYS.lease, "x")  # type: ignore[misc]
    assert (await publisher.publish(FEED_START, [entry(FeedId(7, 1))], {})).kind is StoreAnswer.APPENDED
    assert await redis.get(KEYS.lease) == b"me"
