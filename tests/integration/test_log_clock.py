"""The leader's clock on a real store."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from services.matching import Engine
from services.matching.aio.log_clock import LogClock
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.retry_limit import RetryLimit
from services.matching.sessions.moments import Moments
from shared.aio.redis_connection import open_redis
from shared.logs.engine_version import ENGINE_VERSION
from shared.logs.packet import FeedId
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import StoreUnavailable


async def test_a_tick_that_a_full_store_refuses_counts_as_refused(redis_url: str) -> None:
    """A full store takes no commands, so nothing is published that it could refuse: nobody was told that it is full."""
    metrics, stop = MatchingMetrics(CollectorRegistry()), asyncio.Event()
    async with open_redis(redis_url, "test") as redis:
        engine = Engine()
        clock = LogClock(
            redis,
            StreamKeys(),
            7,
            stop,
            RetryLimit(0.5, stop, Random(1)),
            metrics,
            lambda: FeedId(0, 0),
            Moments(engine, engine.phases, lambda: 0.5),
        )
        await redis.execute_command("CONFIG", "SET", "maxmemory", "1")
        try:
            with pytest.raises(StoreUnavailable):
                async with asyncio.timeout(10):
                    await clock.run([], ENGINE_VERSION)
        finally:
            await redis.execute_command("CONFIG", "SET", "maxmemory", "0")
    assert metrics.publications["refused"] > 0
