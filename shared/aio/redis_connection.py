"""Connections to Redis, with everything that must not be left to defaults pinned.

redis-py 8 retries every command ten times and times reads out after 5 s. Here a command is tried once, since only its
caller knows whether it may be repeated, and a connection's timeout is stated beside its longest blocking read.
"""

from __future__ import annotations

from typing import Final, TypeAlias, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

BLOCK_MS: Final = 1000
"""Longest wait of a blocking read; every idle second proves that the connection lives."""
READ_TIMEOUT_S: Final = 5.0
"""Socket timeout of every connection; above BLOCK_MS."""
CONNECT_TIMEOUT_S: Final = 2.0

UNREACHABLE: Final = (RedisConnectionError, RedisTimeoutError, OSError)
"""What redis-py raises when the server is away; anything else is an answer of the server."""

StreamEntry: TypeAlias = tuple[bytes, dict[bytes, bytes]]
"""A stream entry's id and its fields."""

__all__ = [
    "BLOCK_MS",
    "CONNECT_TIMEOUT_S",
    "READ_TIMEOUT_S",
    "UNREACHABLE",
    "Redis",
    "RedisError",
    "StreamEntry",
    "get_values",
    "last_entry",
    "open_redis",
    "read_stream",
]


def open_redis(url: str, name: str) -> Redis:
    """
    Make a client with connections of its own; none is opened before the first command.

    A blocking read must not share a client with other commands of the same task group member: give each reader one.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        name: Shown by CLIENT LIST; letters, digits, dashes.
    """
    return Redis.from_url(
        url,
        protocol=3,
        legacy_responses=False,
        decode_responses=False,
        client_name=f"openoutcry-{name}",
        socket_timeout=READ_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


async def read_stream(
    redis: Redis, key: str, after: str, count: int, block_ms: int | None = BLOCK_MS
) -> list[StreamEntry]:
    """Return up to `count` entries after an id, oldest first; empty if none came within `block_ms` (None: at once)."""
    found = await redis.xread({key: after}, count=count, block=block_ms)
    return cast("list[StreamEntry]", found[key.encode()]) if found else []  # type: ignore[call-overload]


async def last_entry(redis: Redis, key: str) -> StreamEntry | None:
    """Return a stream's newest entry, or None if it holds none."""
    newest = await redis.xrevrange(key, count=1)
    return cast("StreamEntry", tuple(newest[0])) if newest else None


async def get_values(redis: Redis, keys: list[str]) -> list[bytes | None]:
    """Return several values, read at one instant, in the order of their keys."""
    return cast("list[bytes | None]", await redis.mget(keys))
