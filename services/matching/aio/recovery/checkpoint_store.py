"""Reads the stored checkpoints. A refused one is named in the log, and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from services.matching.aio.metrics import MatchingMetrics
from services.matching.recovery.checkpoint import Checkpoint, CheckpointHead, decode_checkpoint, read_head
from services.matching.recovery.checkpoint_pair import KeptCheckpoints, choose
from shared.aio.redis_connection import Redis, get_values
from shared.logs.stream_keys import StreamKeys

T = TypeVar("T", Checkpoint, CheckpointHead)


class StoredCheckpoints:
    """
    One shard's checkpoints.

    Args:
        redis: Any client.
        keys: The shard's keys.
        metrics: Where refusals are counted.
    """

    def __init__(self, redis: Redis, keys: StreamKeys, metrics: MatchingMetrics) -> None:
        self.redis = redis
        """Where they are."""
        self._keys = keys
        self._metrics = metrics

    @property
    def keys(self) -> tuple[str, str]:
        """The keys of the newest and of the previous one, to be read at one instant."""
        return self._keys.checkpoint, self._keys.previous_checkpoint

    async def head(self) -> CheckpointHead | None:
        """
        Return what the newest good one says of itself; None if none was ever stored. O(their bytes).

        Raises:
            CorruptEntry: If there are some, and none is good.
            RedisError: If Redis could not be reached.
        """
        return self._best(KeptCheckpoints(*await get_values(self.redis, list(self.keys))), read_head)

    def decode(self, kept: KeptCheckpoints) -> Checkpoint | None:
        """
        Return the newest good one; None if none was ever stored. O(orders and accounts).

        Raises:
            CorruptEntry: If there are some, and none is good.
        """
        return self._best(kept, decode_checkpoint)

    def _best(self, kept: KeptCheckpoints, read: Callable[[bytes], T]) -> T | None:
        choice = choose(self._keys, kept, read)
        for refused in choice.refused:
            self._metrics.checkpoints_refused.inc()
            structlog.get_logger().error(
                "a checkpoint is refused; the one before it is used, if that is good",
                key=refused.key,
                reason=refused.reason,
                position=refused.position,
            )
        return choice.best()
