"""Recovery from the store: read checkpoints and feed at one instant, then the command log up to there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import structlog

from openoutcry.wire.errors import MalformedMessage
from services.matching.aio.command_reader import CommandReader
from services.matching.aio.lease import Lease
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.recovery.checkpoint_store import StoredCheckpoints
from services.matching.aio.store_promises import warn_of_dropped_transactions
from services.matching.recovery.checkpoint import Checkpoint
from services.matching.recovery.checkpoint_pair import KeptCheckpoints
from services.matching.recovery.replay import Recovery
from services.matching.recovery.sent_packets import KeptPackets, SentPacket
from shared.aio.redis_connection import Redis, StreamEntry
from shared.logs.packet import FeedId, OtherVersion, decode_packet
from shared.logs.stream_keys import PACKET_FIELD, PUBLISHED_FIELD, StreamKeys
from shared.store_errors import CorruptEntry

ENTRIES_LOOKED_AT_MAX: Final = 16
"""Of the feed's end, for the last one that an engine wrote. What stands behind it is passed over."""
PACKETS_KEPT_AT_START: Final = 256
"""Packets that are read back to restore a store: about what a failover loses, and no more than a moment's reading."""


class StoreRecovery:
    """
    The way from what the store holds to an engine.

    Args:
        redis: For everything but the reading of commands.
        keys: The shard's keys.
        lease: Renewed meanwhile, if it is ours.
        reader: The command log.
        checkpoints: Where to begin.
        metrics: Where it is counted that the store dropped something.
    """

    def __init__(
        self,
        redis: Redis,
        keys: StreamKeys,
        lease: Lease,
        reader: CommandReader,
        checkpoints: StoredCheckpoints,
        metrics: MatchingMetrics,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._lease = lease
        self._reader = reader
        self._checkpoints = checkpoints
        self._metrics = metrics

    async def run(self) -> Recovery:
        """
        Recover up to the feed's last position; the reader stands behind what was applied.

        Raises:
            CorruptEntry: If what the store holds cannot be recovered from.
            RedisError: If Redis could not be reached; run again.
        """
        await warn_of_dropped_transactions(self._redis, self._keys, self._metrics)
        async with self._redis.pipeline(transaction=True) as together:
            together.mget(self._checkpoints.keys)
            together.xrevrange(self._keys.feed, count=ENTRIES_LOOKED_AT_MAX)
            kept, newest = await together.execute()
        checkpoint = self._checkpoints.decode(KeptCheckpoints(*kept))
        recovery = self._begin(checkpoint, newest)
        start = recovery.engine.log_id
        if not await self._reader.holds(start):
            raise CorruptEntry(self._keys.commands, start, "the checkpoint stands there, and the log no longer has it")
        await self._replay(recovery)
        return recovery

    async def kept(self, last_id: FeedId) -> KeptPackets:
        """
        Return the last packets up to one, as if they had been followed: a store that loses them can then be restored.

        Raises:
            RedisError: If Redis could not be reached.
        """
        kept, previous = KeptPackets(), None
        rows = await self._redis.xrevrange(self._keys.feed, str(last_id), count=PACKETS_KEPT_AT_START)
        for entry_id, fields in reversed(cast("list[StreamEntry]", rows)):
            feed_id = FeedId.parse(entry_id)
            try:
                if previous is not None:
                    kept.add(_feed_entry(feed_id, previous, fields))
                previous = feed_id
            except MalformedMessage:  # no engine wrote it: what came before is not to be given back over it
                kept, previous = KeptPackets(), None
        # What it was to end with may have been lost since.
        return kept if previous == last_id else KeptPackets()

    def _begin(self, checkpoint: Checkpoint | None, newest: Sequence[StreamEntry]) -> Recovery:
        """Begin from the last entry of the feed that an engine wrote; what is behind it is logged and counted."""
        end = FeedId.parse(newest[0][0]) if newest else None
        for entry_id, fields in newest:
            feed_id = FeedId.parse(entry_id)
            try:
                found = _feed_entry(feed_id, feed_id, fields)
            except OtherVersion as error:  # users have been told what it says: nobody may go on behind it
                raise CorruptEntry(self._keys.feed, str(feed_id), str(error)) from error
            except MalformedMessage as error:
                self._metrics.corrupt_entries.inc()
                structlog.get_logger().error(
                    "an entry at the feed's end is passed over: no engine writes such", key=self._keys.feed,
                    entry=str(feed_id), reason=str(error),
                )  # fmt: skip
            else:
                return Recovery(self._keys, checkpoint, (feed_id, found.packet), end)
        if len(newest) == ENTRIES_LOOKED_AT_MAX:
            raise CorruptEntry(
                self._keys.feed, str(end), f"none of the last {ENTRIES_LOOKED_AT_MAX} entries was written by an engine"
            )
        return Recovery(self._keys, checkpoint, None, end)

    async def _replay(self, recovery: Recovery) -> None:
        self._reader.seek(recovery.engine.log_id)
        while not recovery.reached and (entries := await self._reader.read(block_ms=None)):
            await self._lease.renew()
            for entry in entries:
                if not recovery.reached:
                    recovery.apply(entry)
        self._reader.seek(recovery.engine.log_id)


def _feed_entry(feed_id: FeedId, previous: FeedId, fields: Mapping[bytes, bytes]) -> SentPacket:
    """
    Read an entry of the feed.

    Raises:
        MalformedMessage: If no engine writes such.
    """
    try:
        data, published_us = fields[PACKET_FIELD], int(fields[PUBLISHED_FIELD])
    except (KeyError, ValueError) as error:
        raise MalformedMessage(f"no packet and its time: {error!r}") from error
    position = decode_packet(data).position
    if position != feed_id.position:
        raise MalformedMessage(f"its packet says position {position}")
    return SentPacket(feed_id, previous, data, published_us)
