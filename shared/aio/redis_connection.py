"""Connections to Redis, with everything that must not be left to defaults pinned.

redis-py 8 retries every command ten times and times reads out after 5 s. Here a command is tried once, since only its
caller knows whether it may be repeated, and a connection's timeout is stated beside its longest blocking read.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias, cast
from urllib.parse import unquote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.errors import ConfigurationError

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
    "sentinel_address",
]


SENTINEL_SCHEME: Final = "redis+sentinel"
SENTINEL_PORT: Final = 26379


class SentinelAddress(NamedTuple):
    """What a `redis+sentinel://` URL says."""

    sentinels: list[tuple[str, int]]
    service: str
    database: int
    username: str | None
    password: str | None
    """Of the Redis servers; the sentinels themselves are asked without."""


def sentinel_address(url: str) -> SentinelAddress:
    """
    Read `redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/database]`.

    Raises:
        ConfigurationError: If it is not of this form.
    """
    form = f"{SENTINEL_SCHEME}://[user:password@]host[:port][,host[:port]]/service[/database]"
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    service, _, database = path.partition("/")
    user, _, password = credentials.partition(":")
    try:
        if scheme != SENTINEL_SCHEME or not service:
            raise ValueError("no service")
        sentinels = [
            (host, int(port or SENTINEL_PORT)) for host, _, port in (each.partition(":") for each in hosts.split(","))
        ]
        if not all(host for host, _ in sentinels):
            raise ValueError("no host")
        return SentinelAddress(sentinels, service, int(database or 0), unquote(user) or None, unquote(password) or None)
    except ValueError as error:
        raise ConfigurationError(f"redis_url: {url!r} is not of the form {form}") from error


def open_redis(url: str, name: str) -> Redis:
    """
    Make a client with connections of its own; none is opened before the first command.

    A blocking read must not share a client with other commands of the same task group member: give each reader one.

    Args:
        url: `redis://`, `rediss://`, `unix://`, or `redis+sentinel://` (see `sentinel_address`): then every new
            connection goes to whoever the sentinels say is primary.
        name: Shown by CLIENT LIST; letters, digits, dashes.

    Raises:
        ConfigurationError: If a `redis+sentinel://` URL is not of its form.
        ValueError: If any other is not.
    """
    options: dict[str, Any] = {
        "protocol": 3,
        "legacy_responses": False,
        "decode_responses": False,
        "client_name": f"openoutcry-{name}",
        "socket_timeout": READ_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }
    if not url.startswith(SENTINEL_SCHEME):
        return Redis.from_url(url, **options)
    address = sentinel_address(url)
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        address.sentinels,
        sentinel_kwargs={"socket_timeout": CONNECT_TIMEOUT_S, "socket_connect_timeout": CONNECT_TIMEOUT_S},
        db=address.database,
        username=address.username,
        password=address.password,
        **options,
    )
    return cast("Redis", sentinel.master_for(address.service))


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
