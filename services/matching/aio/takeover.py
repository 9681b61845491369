"""Becoming the leader: recover the engine from the store, then announce a new term.

Owns the order of the steps and the choice of epoch. An announcement that the store does not append is no failure:
someone wrote in between, so one recovers again.
"""

from __future__ import annotations

import time
from random import Random
from typing import Final

import structlog

from services.matching.aio.command_reader import CommandReader
from services.matching.aio.leader import Leader
from services.matching.aio.lease import Lease
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.patience import Patience
from services.matching.aio.publisher import Publisher, Verdict
from services.matching.recovery import Recovery
from services.matching.settings import MatchingSettings
from shared.aio.redis_connection import Redis
from shared.errors import CorruptEntry, LeadershipLost
from shared.packet import FeedId
from shared.stream_keys import PACKET_FIELD, StreamKeys
from shared.types import EPOCH_MAX

TAKEOVERS_MAX: Final = 10
"""Recoveries in a row that may be overtaken by an old leader that still writes."""


class Takeover:
    """
    The way to lead.

    Args:
        redis: For everything but the reading of commands.
        keys: The shard's keys.
        lease: Held already.
        reader: The command log.
        publisher: The feed.
        settings: The market's rules and the rhythm of snapshots.
        patience: For the leader that comes out.
        metrics: For the leader that comes out.
        random: Draws new epochs.
    """

    def __init__(
        self,
        redis: Redis,
        keys: StreamKeys,
        lease: Lease,
        reader: CommandReader,
        publisher: Publisher,
        settings: MatchingSettings,
        patience: Patience,
        metrics: MatchingMetrics,
        random: Random,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._lease = lease
        self._reader = reader
        self._publisher = publisher
        self._settings = settings
        self._patience = patience
        self._metrics = metrics
        self._random = random

    async def run(self) -> Leader:
        """
        Recover, announce, and return the leader of a new term; the reader stands where it must go on.

        Raises:
            LeadershipLost: If another took the lease, or old leaders kept writing.
            CorruptEntry: If what the store holds cannot be recovered from.
            RedisError: If Redis could not be reached; run again.
        """
        for _ in range(TAKEOVERS_MAX):
            answer = await self._publisher.ask_store_id()
            if answer.verdict is Verdict.NOT_LEADER:
                raise LeadershipLost(f"{answer.detail} took the lease during recovery")
            self._publisher.store_id = answer.detail
            leader = await self._candidate(await self._recover())
            if await leader.announce():
                return leader
        raise LeadershipLost(f"the feed moved on during {TAKEOVERS_MAX} recoveries")

    async def _recover(self) -> Recovery:
        async with self._redis.pipeline(transaction=True) as together:
            together.get(self._keys.checkpoint)
            together.xrevrange(self._keys.feed, count=1)
            checkpoint, newest = await together.execute()
        last = [(FeedId.parse(feed_id), fields.get(PACKET_FIELD, b"")) for feed_id, fields in newest]
        recovery = Recovery(self._keys, checkpoint, last[0] if last else None)
        start = recovery.engine.log_id
        if not await self._reader.holds(start):
            raise CorruptEntry(self._keys.commands, start, "the checkpoint stands there, and the log no longer has it")
        await self._replay(recovery)
        return recovery

    async def _replay(self, recovery: Recovery) -> None:
        self._reader.seek(recovery.engine.log_id)
        while not recovery.reached and (entries := await self._reader.read(block_ms=None)):
            await self._lease.renew()
            for entry in entries:
                if not recovery.reached:
                    recovery.apply(entry)
        self._reader.seek(recovery.engine.log_id)

    async def _candidate(self, recovery: Recovery) -> Leader:
        engine = recovery.finish()
        if recovery.history_lost or recovery.store_id != self._publisher.store_id:
            # Nobody is left who saw what the store may have lost, or there was nothing: another history begins.
            engine.epoch = self._random.randint(1, EPOCH_MAX)
        engine.config = self._settings.engine_config()
        term = await self._lease.take_term(max(recovery.term, time.time_ns() // 1_000_000))
        structlog.get_logger().info(
            "recovered", term=term, position=engine.position, epoch=engine.epoch, feed=str(recovery.feed_id)
        )
        return Leader(
            engine,
            term,
            recovery.feed_id,
            self._redis,
            self._keys,
            self._publisher,
            self._settings,
            self._patience,
            self._metrics,
        )
