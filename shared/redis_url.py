"""Where Redis is, as a URL: its forms, and how to show one without its password."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import unquote

from redis.connection import parse_url

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.redacted_url import redacted

SENTINEL_SCHEME: Final = "redis+sentinel"
SENTINEL_PORT: Final = 26379

_SENTINEL_FORM: Final = f"{SENTINEL_SCHEME}://[user:password@]host[:port][,host[:port]]/service[/database]"


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
    scheme, _, rest = url.partition("://")
    credentials, _, rest = rest.rpartition("@")
    hosts, _, path = rest.partition("/")
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
    except ValueError:
        # Without the cause: its text may quote a part of the password.
        raise ConfigurationError(f"redis_url: {redacted(url)!r} is not of the form {_SENTINEL_FORM}") from None


def checked_redis_url(url: str) -> str:
    """
    Return a URL that can be connected to, as far as its form shows.

    Raises:
        ValueError: If it cannot; the text does not quote it, since what is wrong may be the password.
    """
    try:
        if url.startswith(SENTINEL_SCHEME):
            sentinel_address(url)
        else:
            parse_url(url)  # type: ignore[no-untyped-call]
    except (ConfigurationError, ValueError):
        raise ValueError(
            "must be redis://[user:password@]host[:port][/database], rediss://…, unix://path or "
            f"{_SENTINEL_FORM}; a password's / ? # @ are written as %2F %3F %23 %40"
        ) from None
    return url
