"""The hot standby: follows both logs while another leads, so that it can lead at once when nobody does.

Owns the shadow market and its reloading. It only reads the store. Any fault here is reported, and the standby starts
again from the checkpoint.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import structlog

from services.matching.aio.command_reader import CommandReader
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.recovery.store_recovery import StoreRecovery
from services.matching.command_log import LogEntry
from services.matching.recovery.sent_packets import SentPacket
from services.matching.recovery.shadow import NothingToFollow, Shadow, ShadowBroken
from shared.aio.feed_stream import FeedStream
from shared.aio.redis_line import RedisLine
from shared.logs.feed_entry import FeedEntry
from shared.logs.packet import FeedId
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry

PACKETS_IN_READ_MAX: Final = 256
"""Packets of one read."""


class Standby:
    """
    One engine that does not lead yet.

    Args:
        line: The reader's; both block it, never at the same time.
        keys: The shard's keys.
        reader: The command log.
        recovery: Where a shadow begins.
        metrics: Where reloads are counted.
    """

    def __init__(
        self,
        line: RedisLine,
        keys: StreamKeys,
        reader: CommandReader,
        recovery: StoreRecovery,
        metrics: MatchingMetrics,
    ) -> None:
        self.shadow: Shadow | None = None
        """The market as followed so far; None before the first recovery, and after a difference."""
        self.store_id: str | None = None
        """The store's replication id as the shadow began: entries read from another one may be gone."""
        self._feed = FeedStream(line, keys)
        self._reader = reader
        self._recovery = recovery
        self._metrics = metrics
        self._pending: deque[LogEntry] = deque()
        self._log = structlog.get_logger()

    async def follow(self, block_ms: int | None) -> bool:
        """
        Follow the feed as far as it goes, or wait for its next packet.

        Args:
            block_ms: How long to wait; None: not at all.

        Returns:
            Whether there was anything, so that there may be more. False also if the shadow was lost.

        Raises:
            RedisError: If Redis could not be reached; call again.
        """
        try:
            shadow = self.shadow or await self._begin()
            entries = await self._feed.read(shadow.feed_id, PACKETS_IN_READ_MAX, block_ms)
            for stored in entries:
                await self._take(shadow, self._feed.entry(stored))
        except NothingToFollow as error:
            self.shadow = None
            self._log.warning("there is nobody to follow yet", reason=str(error))
            return False
        except (ShadowBroken, CorruptEntry) as error:
            self._lose(str(error))
            return False
        return bool(entries)

    async def catch_up(self) -> Shadow | None:
        """Follow to the feed's end and return the shadow, between two packets; None if there is none."""
        while self.shadow is not None and await self.follow(None):
            pass
        if self.shadow is not None and not self.shadow.is_between_packets:
            self._lose("the store has lost a packet whose commands were applied")
        return self.shadow

    async def _begin(self) -> Shadow:
        self._pending.clear()
        recovery = await self._recovery.run()
        shadow = Shadow(recovery)
        shadow.kept = await self._recovery.kept(shadow.feed_id)
        self.shadow, self.store_id = shadow, recovery.store_id
        self._log.info("standing by", feed=str(self.shadow.feed_id), position=self.shadow.engine.position)
        return self.shadow

    def _lose(self, reason: str) -> None:
        self.shadow = None
        self._metrics.standby_reloads.inc()
        self._log.error("the standby differs from the leader; starting again from the checkpoint", reason=reason)

    async def _take(self, shadow: Shadow, entry: FeedEntry) -> None:
        while shadow.lacks_commands_of(entry.packet):
            shadow.apply(await self._next_commands(entry.feed_id))
        shadow.confirm(SentPacket(entry.feed_id, shadow.feed_id, entry.data, entry.published_us), entry.packet)

    async def _next_commands(self, feed_id: FeedId) -> LogEntry:
        if not self._pending:
            self._pending.extend(await self._reader.read(block_ms=None))
        if not self._pending:
            raise ShadowBroken(f"the command log ends before the commands of packet {feed_id}")
        return self._pending.popleft()
