"""Checks that the values for late joiners are still in the store.

Nothing else would notice a loss: a living gateway does not read these values, and a snapshot is written again only when
its book changes. A value that somebody deleted, cut or wrote over is written again with the next packet. The check runs
every second. With many or large books one check looks at some of them, and the next goes on.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from services.matching.aio.leader import Leader
from services.matching.aio.metrics import MatchingMetrics
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, RedisError
from shared.aio.redis_line import RedisLine
from shared.logs.stream_keys import StreamKeys

LOOK_S: Final = 1.0
"""Time between two looks."""


class StoreCheck:
    """
    One leader's.

    Args:
        line: For nobody else.
        keys: The shard's keys.
        leader: Knows what it has stored, and stores again.
        metrics: Where to count.
    """

    def __init__(self, line: RedisLine, keys: StreamKeys, leader: Leader, metrics: MatchingMetrics) -> None:
        self._line = line
        self._keys = keys
        self._leader = leader
        self._metrics = metrics
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Look until cancelled. A store that does not answer is the publications' to bear with."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except (*UNREACHABLE, RedisError) as error:
                raise_if_cancelled()  # the failure may be what is left of a cancellation
                self._log.debug("the store could not be looked at", error=str(error))

    async def look(self) -> None:
        """
        Look once.

        Raises:
            RedisError: If Redis could not be reached.
        """
        stored = self._leader.stored_values
        looked_at = stored.next_look()
        lost = stored.lost(looked_at, await self._line.get_values(looked_at)) if looked_at else []
        # These three change by renaming, and anew with every checkpoint: whether they are there is enough.
        always = (self._keys.accounts, self._keys.checkpoint, self._keys.previous_checkpoint)
        if await self._line.call("EXISTS", *always) < len(always):
            lost += always
        if lost:
            self._metrics.values_restored.inc(len(lost))
            self._log.warning("the store has lost what late joiners need; it is written again", keys=lost)
            self._leader.store_again(lost)
