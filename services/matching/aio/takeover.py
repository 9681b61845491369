"""Becoming the leader: take the standby's market, or recover one from the store, then announce a new term.

Owns the order of the steps and the choice of epoch. An announcement that the store does not append is no failure:
someone wrote in between, so the takeover catches up again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

import structlog

from openoutcry.wire.types import EPOCH_MAX
from services.matching.aio.leader import Leader
from services.matching.aio.lease import TERM_MAX
from services.matching.aio.publisher import StoreAnswer
from services.matching.aio.recovery.checkpoint_writer import CheckpointWriter
from services.matching.aio.recovery.forked_image import Encode, Image
from services.matching.aio.recovery.standby import Standby
from services.matching.aio.recovery.store_recovery import StoreRecovery
from services.matching.aio.settings import MatchingSettings
from services.matching.aio.store import Store
from services.matching.command_log import LOG_START
from services.matching.engine import Engine
from services.matching.recovery.checkpoint_pair import KeptCheckpoints
from services.matching.recovery.replay import Recovery
from services.matching.recovery.sent_packets import KeptPackets
from services.matching.recovery.shadow import Shadow
from shared.aio.redis_connection import get_values, last_entry
from shared.aio.redis_line import RedisLine
from shared.logs.packet import FEED_START, FeedId
from shared.store_errors import CorruptEntry, LeadershipLost

TAKEOVERS_MAX: Final = 10
"""Recoveries in a row that may be overtaken by an old leader that still writes."""


class _Candidate(NamedTuple):
    """An engine that could lead, and where it stands."""

    engine: Engine
    term: int
    """The highest seen."""
    feed_id: FeedId
    kept: KeptPackets
    may_have_lost: bool
    """Whether there may have been packets that nobody is left to know of: then another history begins."""


class Takeover:
    """
    The way to lead.

    Args:
        store: Its lease is held already; the leader that comes out goes on with it.
        standby: What has been followed so far.
        recovery: The way without a standby.
        settings: The market's rules and the rhythm of snapshots.
        random: Draws new epochs, and terms.
        make_image: For the leader's checkpoints; see `CheckpointWriter`.
    """

    def __init__(
        self,
        store: Store,
        standby: Standby,
        recovery: StoreRecovery,
        settings: MatchingSettings,
        random: Random,
        make_image: Callable[[Encode], Image],
    ) -> None:
        self.standby = standby
        self._store = store
        self._recovery = recovery
        self._publisher = store.publisher
        self._settings = settings
        self._random = random
        self._make_image = make_image

    async def run(self) -> Leader:
        """
        Catch up, announce, and return the leader of a new term; the log goes on behind its `engine.log_id`.

        Raises:
            LeadershipLost: If another took the lease, or old leaders kept writing.
            CorruptEntry: If what the store holds cannot be recovered from.
            RedisError: If Redis could not be reached; run again.
        """
        await self._publisher.hang_up()  # some connections may have stayed at a former primary
        for _ in range(TAKEOVERS_MAX):
            answer = await self._publisher.ask_store_id()
            if answer.kind is StoreAnswer.NOT_LEADER:
                raise LeadershipLost(f"{answer.detail} took the lease during recovery")
            self._publisher.store_id = answer.detail
            candidate = await self._candidate()
            leader = await self._leader(candidate)
            if await leader.announce(begins_epoch=candidate.may_have_lost):
                return leader
            self.standby.shadow = None  # its engine was the leader's that was not to be
        raise LeadershipLost(f"the feed moved on during {TAKEOVERS_MAX} recoveries")

    async def _candidate(self) -> _Candidate:
        shadow = await self.standby.catch_up()
        if shadow is None:
            return await self._recover()
        return await self._followed(shadow)

    async def _recover(self) -> _Candidate:
        try:
            recovery = await self._recovery.run()
            return self._recovered(recovery, await self._recovery.kept(recovery.feed_id))
        except CorruptEntry as error:
            if not await self._store.lease.renew():
                # Whoever leads now trims the log behind a newer checkpoint than was read here: nothing is corrupt.
                raise LeadershipLost(f"the lease was lost during recovery: {error}") from error
            if not self._settings.accept_loss:
                raise
            return await self._without_what_is_lost(error)

    async def _without_what_is_lost(self, error: CorruptEntry) -> _Candidate:
        """Go on from the newest good checkpoint, as somebody has decided: what is left of the log is applied to it."""
        checkpoint = self._store.checkpoints.decode(
            KeptCheckpoints(*await get_values(self._store.redis, list(self._store.checkpoints.keys)))
        )
        newest = await last_entry(self._store.redis, self._store.keys.feed)
        last_id = FeedId.parse(newest[0]) if newest else FEED_START
        engine, term = (checkpoint.engine, checkpoint.term) if checkpoint else (Engine(), 0)
        structlog.get_logger().error(
            "what came after the checkpoint is lost, and accepted as lost", reason=str(error), position=engine.position
        )
        return _Candidate(engine, max(term, last_id.term), last_id, KeptPackets(), may_have_lost=True)

    def _recovered(self, recovery: Recovery, kept: KeptPackets) -> _Candidate:
        engine = recovery.finish()
        may_have_lost = recovery.history_lost or recovery.store_id != self._publisher.store_id
        if recovery.end != recovery.feed_id:
            # Nobody was told anything by what stands there: the market goes on behind it, and readers from snapshots.
            kept = KeptPackets()
        return _Candidate(engine, max(recovery.term, recovery.end.term), recovery.end, kept, may_have_lost)

    async def _followed(self, shadow: Shadow) -> _Candidate:
        """Take the shadow; its announcement restores what the store has lost of it."""
        newest = await last_entry(self._store.redis, self._store.keys.feed)
        last_id = max(FeedId.parse(newest[0]) if newest else FEED_START, await self._publisher.last_used())
        if last_id < shadow.feed_id and last_id.position > shadow.feed_id.position:
            # The store forgot the term that was followed, and went on in a lower one: reading on brought nothing. What
            # it holds now has been told to users, and is more than what was followed.
            structlog.get_logger().warning("the feed went on without this standby", last=str(last_id))
            self.standby.shadow = None
            return await self._recover()
        # What the newest good checkpoint says of the last leader's store and log.
        vouched = await self._store.checkpoints.head()
        if self.standby.store_id != self._publisher.store_id:
            # The last leader may have healed packets whose commands are gone: the log goes on where he has stored.
            shadow.engine.log_id = vouched.log_id if vouched else LOG_START
        may_have_lost = last_id < shadow.feed_id or vouched is None or vouched.store_id != self._publisher.store_id
        return _Candidate(shadow.engine, shadow.term, shadow.feed_id, shadow.kept, may_have_lost)

    async def _leader(self, candidate: _Candidate) -> Leader:
        engine = candidate.engine
        if candidate.may_have_lost:
            engine.begin_epoch(self._random.randint(1, EPOCH_MAX))
        engine.config = self._settings.engine_config()
        used = await self._publisher.last_used()
        highest = max(candidate.term, used.term, time.time_ns() // 1_000)
        if highest > TERM_MAX:
            last = str(max(used, candidate.feed_id))
            raise CorruptEntry(self._store.keys.feed, last, "no engine's id is left behind it; rename the feed away")
        term = await self._store.lease.take_term(highest, self._random)
        _tell(candidate, term)
        checkpoints = CheckpointWriter(
            RedisLine(self._store.redis), self._store.keys, term, self._make_image, self._store.metrics
        )
        return Leader(engine, term, candidate.feed_id, candidate.kept, self._store, checkpoints, self._settings)


def _tell(candidate: _Candidate, term: int) -> None:
    engine = candidate.engine
    log = structlog.get_logger().bind(
        term=term, position=engine.position, epoch=engine.epoch, feed=str(candidate.feed_id)
    )
    if not candidate.may_have_lost:
        log.info("taking over")
    elif engine.position:
        log.error("taking over in a new epoch: the store may have lost what users saw")
    else:
        log.warning("taking over a store without a market: a new one begins")
