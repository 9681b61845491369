"""What one engine has of the store: its client, and the ways that lead there. One value, made once by `build`."""

from __future__ import annotations

from typing import NamedTuple

from services.matching.aio.durability import DurabilityGate
from services.matching.aio.lease import Lease
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.publisher import Publisher
from services.matching.aio.recovery.checkpoint_store import StoredCheckpoints
from services.matching.aio.retry_limit import RetryLimit
from services.matching.aio.settings import MatchingSettings
from shared.aio.redis_connection import Redis
from shared.logs.stream_keys import StreamKeys


class Store(NamedTuple):
    """The ports of an engine."""

    redis: Redis
    """A client for all but the reading of commands."""
    keys: StreamKeys
    """The shard's."""
    lease: Lease
    publisher: Publisher
    """The way into the feed."""
    checkpoints: StoredCheckpoints
    gate: DurabilityGate
    """What commands must pass before their packet is published."""
    retry_limit: RetryLimit
    """How long to wait for a store that does not do its work."""
    metrics: MatchingMetrics


def open_store(
    settings: MatchingSettings,
    redis: Redis,
    publisher: Publisher,
    lease: Lease,
    retry_limit: RetryLimit,
    metrics: MatchingMetrics,
) -> Store:
    """Return a shard's store as an engine has it; nothing is asked yet."""
    keys = StreamKeys(settings.shard)
    checkpoints = StoredCheckpoints(redis, keys, metrics)
    gate = DurabilityGate(redis, keys, settings.durability, settings.replicas_min)
    return Store(redis, keys, lease, publisher, checkpoints, gate, retry_limit, metrics)
