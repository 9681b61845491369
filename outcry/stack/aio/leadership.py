"""Which of a stack's engines leads: the one whose process id the lease names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from outcry.stack.aio.child import Child
from shared.aio.redis_connection import UNREACHABLE, RedisError, get_values, open_redis
from shared.logs.stream_keys import StreamKeys


class Leadership:
    """
    The lease of a shard, as an onlooker reads it.

    Args:
        redis_url: The shard's Redis.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis: Final = open_redis(redis_url, "leadership")

    async def leader(self, engines: Sequence[Child]) -> Child | None:
        """Return the engine that holds the lease; None if nobody does, or Redis does not tell."""
        try:
            (lease,) = await get_values(self._redis, [StreamKeys().lease])
        except (*UNREACHABLE, RedisError):
            return None
        pid = holder_pid(lease)
        return next((engine for engine in engines if engine.pid == pid), None)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()


def holder_pid(lease: bytes | None) -> int | None:
    """Return the process id in the name of a lease's holder: HOST-PID-RANDOM (services.matching.__main__), or None."""
    words = (lease or b"").decode().split("-")
    return int(words[-2]) if len(words) > 2 and words[-2].isdecimal() else None
