"""The lease on a real server: who does not hold it changes nothing of it, and terms only rise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest

from services.matching.aio.lease import TERM_STEP_MAX, Lease
from shared.aio.redis_connection import Redis, open_redis
from shared.logs.stream_keys import StreamKeys

pytestmark = pytest.mark.needs_redis

KEYS = StreamKeys()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url, "test") as client:
        yield client


async def test_a_lease_that_another_holds_is_neither_released_nor_renewed(redis: Redis) -> None:
    """A leader that slept and ends in good order must not end the leadership of who has led since."""
    mine, others = Lease(redis, KEYS, "me", 60_000), Lease(redis, KEYS, "you", 5_000)
    assert await others.try_acquire()
    assert not await mine.try_acquire()
    await mine.release()
    assert not await mine.renew()
    assert await redis.get(KEYS.lease) == b"you"
    assert 0 < await redis.pttl(KEYS.lease) <= 5_000
    await others.release()
    assert await mine.try_acquire()


async def test_a_lease_is_renewed_by_who_holds_it(redis: Redis) -> None:
    mine = Lease(redis, KEYS, "me", 60_000)
    assert await mine.try_acquire()
    await redis.pexpire(KEYS.lease, 1_000)
    assert await mine.renew()
    assert await redis.pttl(KEYS.lease) > 50_000


async def test_a_term_is_above_all_that_were_seen_and_all_that_were_taken(redis: Redis) -> None:
    """The highest seen is the clock as a rule: what a store has forgotten is not taken again."""
    mine, random = Lease(redis, KEYS, "me", 60_000), Random(1)
    now_us = 1_900_000_000_000_000
    first = await mine.take_term(now_us, random)
    assert now_us < first <= now_us + TERM_STEP_MAX
    second = await mine.take_term(0, random)
    assert first < second <= first + TERM_STEP_MAX
    await redis.delete(KEYS.term)
    assert await mine.take_term(second, random) > second
