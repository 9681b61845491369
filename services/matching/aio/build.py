"""One engine put together: every object of the process is made here, and none looks for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from openoutcry.wire.instrument import Instrument
from services.matching.aio.command_reader import CommandReader
from services.matching.aio.lease import Lease
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.publisher import Publisher
from services.matching.aio.recovery.forked_image import Encode, ForkedImage, Image
from services.matching.aio.recovery.standby import Standby
from services.matching.aio.recovery.store_recovery import StoreRecovery
from services.matching.aio.retry_limit import RetryLimit
from services.matching.aio.service import MatchingService
from services.matching.aio.settings import MatchingSettings
from services.matching.aio.store import open_store
from services.matching.aio.takeover import Takeover
from shared.aio.redis_connection import Redis
from shared.aio.redis_line import RedisLine
from shared.logs.stream_keys import StreamKeys

if TYPE_CHECKING:
    from shared.aio.order_traces import OrderTraces


def build(
    settings: MatchingSettings,
    instruments: Sequence[Instrument],
    reading: Redis,
    writing: Redis,
    name: str,
    metrics: MatchingMetrics,
    random: Random,
    make_image: Callable[[Encode], Image] = ForkedImage,
    traces: OrderTraces | None = None,
) -> MatchingService:
    """
    Return an engine that is ready to run.

    Args:
        settings: Limits and rhythms.
        instruments: What the market lists.
        reading: A client for the reading of commands alone.
        writing: A client for all else.
        name: This process's name in the lease; unique.
        metrics: Where to count.
        random: Jitter and epochs.
        make_image: How checkpoints are made beside the market; see `CheckpointWriter`.
        traces: Where orders' ways are recorded; None records none.
    """
    keys, stop = StreamKeys(settings.shard), asyncio.Event()
    publisher = Publisher(
        RedisLine(writing),
        keys,
        name,
        lease_ms=settings.lease_ms,
        feed_packets_max=settings.feed_packets_max,
        command_entries_max=settings.command_entries_max,
        ledger_hold_packets=settings.ledger_hold_packets,
        ledger_hold_entries=settings.ledger_hold_entries,
    )
    lease = Lease(writing, keys, name, settings.lease_ms)

    def retry_limit() -> RetryLimit:
        return RetryLimit(settings.unreachable_max_s, stop, random)

    store = open_store(settings, writing, publisher, lease, retry_limit(), metrics)
    line = RedisLine(reading)
    reader = CommandReader(line, keys, metrics.corrupt_entries.inc)
    recovery = StoreRecovery(writing, keys, lease, reader, store.checkpoints, metrics)
    standby = Standby(line, keys, reader, recovery, metrics)
    takeover = Takeover(store, standby, recovery, settings, random, make_image)
    return MatchingService(settings, instruments, store, reader, takeover, stop, retry_limit, traces)
