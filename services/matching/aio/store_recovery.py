"""Recovery from the store: read checkpoint and feed at one instant, then the command log up to there."""

from __future__ import annotations

from services.matching.aio.command_reader import CommandReader
from services.matching.aio.lease import Lease
from services.matching.recovery import Recovery
from shared.aio.redis_connection import Redis
from shared.errors import CorruptEntry
from shared.packet import FeedId
from shared.stream_keys import PACKET_FIELD, StreamKeys


class StoreRecovery:
    """
    The way from what the store holds to an engine.

    Args:
        redis: For everything but the reading of commands.
        keys: The shard's keys.
        lease: Renewed meanwhile, if it is ours.
        reader: The command log.
    """

    def __init__(self, redis: Redis, keys: StreamKeys, lease: Lease, reader: CommandReader) -> None:
        self._redis = redis
        self._keys = keys
        self._lease = lease
        self._reader = reader

    async def run(self) -> Recovery:
        """
        Recover up to the feed's last position; the reader stands behind what was applied.

        Raises:
            CorruptEntry: If what the store holds cannot be recovered from.
            RedisError: If Redis could not be reached; run again.
        """
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
