"""One URL that says all: where Redis is, and who we are there."""

from __future__ import annotations

from urllib.parse import quote


def with_credentials(url: str, credentials: tuple[str | None, str | None]) -> str:
    """
    Return the URL with user and password in it; unchanged if it names a user already, or there is no password.

    Args:
        url: As for `open_redis`.
        credentials: User and password, as `ServiceSettings.redis_credentials`.
    """
    username, password = credentials
    scheme, _, rest = url.partition("://")
    if password is None or "@" in rest:
        return url
    return f"{scheme}://{quote(username or '', safe='')}:{quote(password, safe='')}@{rest}"
