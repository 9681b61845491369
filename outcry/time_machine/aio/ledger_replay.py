"""A past day played again, into a market of its own: gateways on that store show what clients saw then.

Owns the pace, and the comparison of every packet with the record. The engine's own leader publishes, so that snapshots,
checkpoints and the way of joining late are those of any market; it reads no command log, and no clock. A store that has
a market already is refused, whatever it is.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from random import SystemRandom
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry

from openoutcry.wire.errors import ConfigurationError
from outcry.time_machine.aio.ledger_record import LedgerRecord
from outcry.time_machine.difference import Difference, shown
from outcry.time_machine.past_market import known_line, market_at
from outcry.time_machine.playback import Playback, checkpoint_of
from outcry.time_machine.record import MarkRow, PacketRow, Stretch
from outcry.time_machine.time_text import moment_text
from outcry.time_machine.unrecorded import NotRecorded
from services.matching.aio.leader import Leader
from services.matching.aio.lease import Lease
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.publisher import Publisher
from services.matching.aio.recovery.checkpoint_writer import CheckpointWriter
from services.matching.aio.recovery.forked_image import ForkedImage
from services.matching.aio.retry_limit import RetryLimit
from services.matching.aio.settings import MatchingSettings
from services.matching.aio.store import Store, open_store
from services.matching.engine import Engine
from services.matching.packet_builder import take_changes
from services.matching.recovery.sent_packets import KeptPackets
from shared.aio.first_error import first_error
from shared.aio.redis_connection import Redis, open_redis
from shared.aio.redis_line import RedisLine
from shared.logs.packet import FEED_START, Packet, encode_packet
from shared.logs.stream_keys import StreamKeys

SECOND_US: Final = 1_000_000
SHOW_S: Final = 5.0
"""Between two lines of progress."""
NAME: Final = "ledger-replay"


class ReplayResult(NamedTuple):
    """What came of it."""

    commands: int
    packets: int
    difference: Difference | None
    """The first; None: it is equal to the record."""

    def text(self) -> str:
        """Return one line."""
        done = f"{self.commands:,} commands, {self.packets:,} packets"
        return f"{done}: equal to the record" if self.difference is None else f"{done}, then {self.difference.text}"


class LedgerReplay:
    """
    One replay.

    Args:
        record: The ledger's.
        settings: Of the market that it goes into.
        from_us: Where it begins, µs since 1970.
        until_us: Where it ends, before this moment.
        speed: How many times faster than it happened; None: as fast as it goes.
        say: Shows a line.
    """

    def __init__(
        self,
        record: LedgerRecord,
        settings: MatchingSettings,
        from_us: int,
        until_us: int,
        speed: float | None,
        say: Callable[[str], None],
    ) -> None:
        self._record = record
        self._settings = settings
        self._from_us, self._until_us = from_us, until_us
        self._speed = speed
        self._say = say
        self._stop = asyncio.Event()

    async def run(self) -> ReplayResult:
        """
        Play, and return what came of it.

        Raises:
            ConfigurationError: If the store has a market, or a part of one.
            NotRecorded: If nothing was recorded between the two moments; or as `market_at`.
        """
        async with open_redis(self._settings.redis_url, NAME, self._settings.redis_credentials) as redis:
            await _check_empty(redis, self._settings.shard)
            stretches, playback, first = self._begin()
            store = self._store(redis)
            if not await store.lease.try_acquire():
                raise ConfigurationError("--redis-url: an engine leads there")
            leader = await self._leader(store, playback.engine, first)
            result: ReplayResult | None = None
            try:
                async with asyncio.TaskGroup() as tasks:
                    beside = [
                        tasks.create_task(store.lease.keep(self._stop)),
                        tasks.create_task(leader.checkpoints.run()),
                    ]
                    result = await self._play(leader, playback, self._packets(stretches, first))
                    for task in beside:
                        task.cancel()
            except BaseExceptionGroup as group:
                raise first_error(group) from group
            await leader.finish()
            await store.lease.release()
            assert result is not None
            return result

    def _begin(self) -> tuple[list[Stretch], Playback, PacketRow]:
        """Replay up to the last whole packet before the beginning, and return the first packet behind it."""
        _, stretches = known_line(self._record)
        start = next((mark for mark in self._marks(stretches)), None)
        if start is None:
            market_at(self._record, self._from_us)  # says why
            raise NotRecorded("before_ledger", "the ledger has no mark yet")
        number, mark = start
        stretches = stretches[number:]
        checkpoint = checkpoint_of(mark, self._record.mark_data(mark.history, mark.position))
        playback = Playback(self._record, stretches, mark, checkpoint)
        term = checkpoint.term
        for stretch, packet in self._all_packets(stretches, mark.position):
            if stretch is stretches[0] and (packet.position, packet.term) <= (mark.position, term):
                continue
            if packet.time >= self._from_us and packet.prev != packet.position:
                return stretches, playback, packet
            _apply_to(playback, packet.position)
            take_changes(playback.engine)
        raise NotRecorded("not_yet", f"nothing is recorded from {moment_text(self._from_us)} on")

    def _marks(self, stretches: list[Stretch]) -> Iterator[tuple[int, MarkRow]]:
        for number in range(len(stretches) - 1, -1, -1):
            stretch = stretches[number]
            mark = self._record.mark_before(stretch.history, stretch.until, time=self._from_us)
            if mark is not None:
                yield number, mark
        for number, stretch in enumerate(stretches):  # the day may begin before the market does
            for mark in self._record.marks(stretch.history, 0, stretch.until):
                yield number, mark

    def _all_packets(self, stretches: list[Stretch], after: int) -> Iterator[tuple[Stretch, PacketRow]]:
        for stretch in stretches:
            for packet in self._record.packets(stretch.history, max(after, stretch.after), stretch.until):
                yield stretch, packet

    def _packets(self, stretches: list[Stretch], first: PacketRow) -> Iterator[tuple[Stretch, PacketRow]]:
        for stretch, packet in self._all_packets(stretches, first.prev):
            if packet.prev == packet.position or packet.position < first.position:
                continue  # of a leader then; there is one leader now
            if packet.time >= self._until_us:
                return
            yield stretch, packet

    def _store(self, redis: Redis) -> Store:
        settings, keys = self._settings, StreamKeys(self._settings.shard)
        publisher = Publisher(
            RedisLine(redis),
            keys,
            NAME,
            lease_ms=settings.lease_ms,
            feed_packets_max=settings.feed_packets_max,
            command_entries_max=settings.command_entries_max,
            ledger_hold_packets=settings.ledger_hold_packets,
            ledger_hold_entries=settings.ledger_hold_entries,
        )
        lease = Lease(redis, keys, NAME, settings.lease_ms)
        retry_limit = RetryLimit(settings.unreachable_max_s, self._stop, SystemRandom())
        return open_store(settings, redis, publisher, lease, retry_limit, MatchingMetrics(CollectorRegistry()))

    async def _leader(self, store: Store, engine: Engine, first: PacketRow) -> Leader:
        store.publisher.store_id = (await store.publisher.ask_store_id()).detail
        term = first.term
        checkpoints = CheckpointWriter(RedisLine(store.redis), store.keys, term, ForkedImage, store.metrics)
        leader = Leader(engine, term, FEED_START, KeptPackets(), store, checkpoints, self._settings)
        if not await leader.announce(begins_epoch=True):
            raise ConfigurationError("--redis-url: somebody else writes into this store")
        return leader

    async def _play(
        self, leader: Leader, playback: Playback, packets: Iterator[tuple[Stretch, PacketRow]]
    ) -> ReplayResult:
        clock = asyncio.get_running_loop().time
        began, shown_at, begins = clock(), clock(), None
        commands = count = 0
        for stretch, row in packets:
            begins = row.time if begins is None else begins
            if self._speed is not None:
                due = began + (row.time - begins) / SECOND_US / self._speed
                await asyncio.sleep(max(0.0, due - clock()))
            before = leader.engine.position
            _apply_to(playback, row.position, leader)
            packet = await leader.publish()
            found = _differs(stretch, row, packet)
            if found is not None:
                return ReplayResult(commands, count, found)
            commands += leader.engine.position - before
            count += 1
            if clock() - shown_at > SHOW_S:
                shown_at = clock()
                self._say(f"{moment_text(row.time)}, {commands:,} commands")
        return ReplayResult(commands, count, None)


def _apply_to(playback: Playback, position: int, leader: Leader | None = None) -> None:
    """Apply commands up to a packet's end, for a leader's packet or for nobody."""
    engine = playback.engine
    playback.taken.clear()
    while engine.position < position:
        entry = next(playback.entries, None)
        if entry is None:
            return
        for command in entry.commands:
            if leader is not None:
                leader.builder.apply(command, entry.time_us)
            else:
                engine.apply(command, entry.time_us)
        engine.log_id = entry.entry_id


def _differs(stretch: Stretch, row: PacketRow, packet: Packet | None) -> Difference | None:
    """Return in what a packet is not the recorded one."""
    key = f"term {row.term}"
    if packet is None or packet.position != row.position:
        found = "none" if packet is None else shown(packet.position)
        return Difference(stretch.history, row.position, "packet", key, "position", shown(row.position), found)
    digest = hashlib.sha256(encode_packet(packet._replace(log_id=row.log_id))).digest()
    if digest != row.sha256:
        return Difference(stretch.history, row.position, "packet", key, "sha256", shown(row.sha256), shown(digest))
    return None


async def _check_empty(redis: Redis, shard: int) -> None:
    keys = StreamKeys(shard)
    for key in (keys.feed, keys.commands, keys.checkpoint, keys.listing, keys.lease, keys.term):
        if await redis.exists(key):
            raise ConfigurationError(
                f"--redis-url: the store has a market already ({key}): a replay needs one of its own"
            )
