"""Who leads: a key with a time to live, and the counter of terms.

For speed only: what keeps two leaders apart is the feed, whose ids rise with the term. The lease is renewed by
publish.lua; here it is taken, kept while there is nothing to publish, and given back.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from services.matching.aio.script import Script
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, Redis, RedisError
from shared.stream_keys import StreamKeys

POLLS_A_LEASE: Final = 6
"""How often in the length of a lease one looks whether it is free, and renews it where nothing is published."""

_RENEW: Final = Script(
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\nreturn redis.call('PEXPIRE', KEYS[1], ARGV[2])"
)
_RELEASE: Final = Script(
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\nreturn redis.call('DEL', KEYS[1])"
)
_TAKE_TERM: Final = Script(
    "local last = tonumber(redis.call('GET', KEYS[1]) or '0')\n"
    "local term = string.format('%.0f', math.max(last, tonumber(ARGV[1])) + 1)\n"
    "redis.call('SET', KEYS[1], term)\n"
    "return term"
)


class Lease:
    """
    One engine's claim to lead.

    Args:
        redis: Any client.
        keys: The shard's keys.
        leader: This engine's name, unique.
        lease_ms: How long a claim holds without renewal.
    """

    def __init__(self, redis: Redis, keys: StreamKeys, leader: str, lease_ms: int) -> None:
        self._redis = redis
        self._keys = keys
        self._leader = leader
        self._lease_ms = lease_ms

    async def try_acquire(self) -> bool:
        """Take the lease if it is free or ours already."""
        taken = await self._redis.set(self._keys.lease, self._leader, nx=True, px=self._lease_ms)
        return bool(taken) or await self.renew()

    @property
    def poll_ms(self) -> int:
        """How long to wait before another try."""
        return self._lease_ms // POLLS_A_LEASE

    async def keep(self, stop: asyncio.Event) -> None:
        """Renew until `stop`. A failure is left to the next publication, which finds out what it means."""
        while not stop.is_set():
            raise_if_cancelled()
            with contextlib.suppress(*UNREACHABLE, RedisError):
                await self.renew()
            await self.wait(stop)

    async def wait(self, stop: asyncio.Event) -> None:
        """Wait until it is worth another try, or until `stop`."""
        try:
            async with asyncio.timeout(self.poll_ms / 1000):
                await stop.wait()
        except TimeoutError:
            pass

    async def renew(self) -> bool:
        """Extend the lease if it names us."""
        return bool(await _RENEW.run(self._redis, [self._keys.lease], [self._leader, self._lease_ms]))

    async def take_term(self, highest_seen: int) -> int:
        """Take a term that nobody has had: one above the stored counter and above the highest seen."""
        return int(await _TAKE_TERM.run(self._redis, [self._keys.term], [highest_seen]))

    async def release(self) -> None:
        """Give the lease back, if it is ours, so that the next leader need not wait."""
        await _RELEASE.run(self._redis, [self._keys.lease], [self._leader])
