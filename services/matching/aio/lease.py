"""The lease of leadership: a key with a time to live, and the counter of terms.

It is for speed only. The feed keeps two leaders apart, because its ids rise with the term. publish.lua renews the
lease. Here it is taken, kept while there is nothing to publish, and given back.

A renewal counts for nothing but the lease itself: a leader that meets another store asks how old its last
*publication* is, since only publish.lua makes sure that the store is the known one. A renewed lease may be one that a
failover brought back. It says nothing about leaders in the lost part.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from random import Random
from typing import Final

from services.matching.aio.script import Script
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, Redis, RedisError
from shared.logs.stream_keys import StreamKeys

POLLS_A_LEASE: Final = 6
"""How often in the length of a lease one looks whether it is free, and renews it where nothing is published."""

TERM_STEP_MAX: Final = 1_000_000
"""Longest step from what a term must be above to the term, in its own unit, which is about 1 µs."""
TERM_MAX: Final = 2**53 - 1 - TERM_STEP_MAX
"""What a term may be above: Lua, and so publish.lua, knows no whole numbers beyond 2^53."""

_HOLDER: Final = (  # what is no string names nobody
    "local holder = redis.pcall('GET', KEYS[1])\n"
    "if type(holder) == 'table' then\n"
    "  if not string.find(holder.err, 'WRONGTYPE', 1, true) then return redis.error_reply(holder.err) end\n"
    "  redis.call('DEL', KEYS[1])\n"
    "  holder = false\n"
    "end\n"
)
_ACQUIRE: Final = Script(
    _HOLDER + "local replication = redis.pcall('INFO', 'replication')\n"
    "local store = type(replication) == 'string' and string.match(replication, 'master_replid:(%x+)') or ''\n"
    "if holder == ARGV[1] or (not holder and (ARGV[3] == '' or ARGV[3] == store)) then\n"
    "  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
    "end\n"
    "return { redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0, store, redis.call('PTTL', KEYS[1]) }"
)
_RENEW: Final = Script(
    _HOLDER + "if holder ~= ARGV[1] then return 0 end\nreturn redis.call('PEXPIRE', KEYS[1], ARGV[2])"
)
_RELEASE: Final = Script(_HOLDER + "if holder ~= ARGV[1] then return 0 end\nreturn redis.call('DEL', KEYS[1])")
_TAKE_TERM: Final = Script(
    _HOLDER + "local last = tonumber(holder or '0') or 0\n"
    "if not (last >= 0 and last < 2^53) then last = 0 end\n"  # no leader wrote it; what the feed had counts anyway
    "local term = string.format('%.0f', math.max(last, tonumber(ARGV[1])) + tonumber(ARGV[2]))\n"
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
        self._store_id = ""
        """The store's replication id at the last try; empty before the first, when any will do."""
        self._patient_until = float("-inf")

    async def try_acquire(self) -> bool:
        """
        Take the lease if it is free or ours already.

        In another store than at the last try, this waits for the length of a lease, or until the lease has been renewed
        there. The store may have forgotten the lease of a living leader, which can restore the store.
        """
        accepted = "none" if time.monotonic() < self._patient_until else self._store_id
        is_ours, answer, left_ms = await _ACQUIRE.run(
            self._redis.execute_command, [self._keys.lease], [self._leader, self._lease_ms, accepted]
        )
        store_id = answer.decode()
        if self._store_id not in {"", store_id}:
            self._patient_until = time.monotonic() + self._lease_ms / 1000
        elif left_ms > self._lease_ms * (1 - 2 / POLLS_A_LEASE):
            self._patient_until = float("-inf")
        self._store_id = store_id
        return bool(is_ours)

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
        return bool(await _RENEW.run(self._redis.execute_command, [self._keys.lease], [self._leader, self._lease_ms]))

    async def take_term(self, highest_seen: int, random: Random) -> int:
        """
        Take a term that nobody has had: above the stored counter and the highest seen, by a step drawn at random.

        The counter alone would do, if no store forgot it. After one that did, two leaders may start from the same
        number; that they also draw the same step has a chance of one in `TERM_STEP_MAX`.

        Args:
            highest_seen: Unix time in µs, or a higher term; at most TERM_MAX.
            random: Draws the step.

        Returns:
            The term, below 2^53 until the year 2255: Lua and JSON know no whole numbers beyond.
        """
        step = random.randint(1, TERM_STEP_MAX)
        return int(await _TAKE_TERM.run(self._redis.execute_command, [self._keys.term], [highest_seen, step]))

    async def release(self) -> None:
        """Give the lease back, if it is ours, so that the next leader need not wait."""
        await _RELEASE.run(self._redis.execute_command, [self._keys.lease], [self._leader])
