"""Connections to Redis, with everything that must not be left to defaults pinned.

redis-py 8 retries every command ten times and times reads out after 5 s. Here a command is tried once, since only its
caller knows whether it may be repeated, and a connection's timeout is stated beside its longest blocking read.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from shared.redis_url import SENTINEL_SCHEME, checked_redis_url, sentinel_address

BLOCK_MS: Final = 1000
"""Longest wait of a blocking read; every idle second proves that the connection lives."""
READ_TIMEOUT_S: Final = 5.0
"""Socket timeout of every connection; above BLOCK_MS."""
CONNECT_TIMEOUT_S: Final = 2.0

UNREACHABLE: Final = (RedisConnectionError, RedisTimeoutError, OSError)
"""What redis-py raises when the server is away; anything else is an answer of the server."""

StreamEntry: TypeAlias = tuple[bytes, dict[bytes, bytes]]
"""A stream entry's id and its fields."""
Credentials: TypeAlias = tuple[str | None, str | None]
"""User and password, each None if there is none."""

__all__ = [
    "BLOCK_MS",
    "CONNECT_TIMEOUT_S",
    "READ_TIMEOUT_S",
    "UNREACHABLE",
    "Credentials",
    "Redis",
    "RedisError",
    "StreamEntry",
    "get_values",
    "last_entry",
    "open_redis",
    "read_stream",
]


def open_redis(url: str, name: str, credentials: Credentials = (None, None), *, reads_replica: bool = False) -> Redis:
    """
    Make a client with connections of its own; none is opened before the first command.

    A blocking read must not share a client with other commands of the same task group member: give each reader one.

    Args:
        url: `redis://`, `rediss://`, `unix://`, or `redis+sentinel://` (see `sentinel_address`): then every new
            connection goes to whoever the sentinels say is primary.
        name: Shown by CLIENT LIST; letters, digits, dashes.
        credentials: User and password where the URL names none.
        reads_replica: Whether sentinels are asked for a replica instead, and for the primary only if there is none.

    Raises:
        ConfigurationError: If a `redis+sentinel://` URL is not of its form.
        ValueError: If any other is not; the text does not quote it.
    """
    checked_redis_url(url)
    username, password = credentials
    options: dict[str, Any] = {
        "protocol": 3,
        "legacy_responses": False,
        "decode_responses": False,
        "client_name": f"openoutcry-{name}",
        "socket_timeout": READ_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        # Else every connection asks for notices that only Redis' own cloud has, which may come between two replies.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    if not url.startswith("unix:"):
        options["socket_keepalive"] = True
    if not url.startswith(SENTINEL_SCHEME):
        return Redis.from_url(url, username=username, password=password, **options)  # what the URL says wins
    address = sentinel_address(url)
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        address.sentinels,
        sentinel_kwargs={"socket_timeout": CONNECT_TIMEOUT_S, "socket_connect_timeout": CONNECT_TIMEOUT_S},
        db=address.database,
        username=address.username or username,
        password=address.password or password,
        **options,
    )
    find = sentinel.slave_for if reads_replica else sentinel.master_for
    return cast("Redis", find(address.service))


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
