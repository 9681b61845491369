"""The crowd's one URL for Redis."""

from __future__ import annotations

import pytest

from outcry.flow.aio.bots_command import with_credentials
from shared.redis_url import checked_redis_url, sentinel_address


@pytest.mark.parametrize(
    ("url", "credentials", "expected"),
    [
        ("redis://redis:6379/0", ("gateway", "secret"), "redis://gateway:secret@redis:6379/0"),
        ("redis://redis:6379/0", (None, "secret"), "redis://:secret@redis:6379/0"),
        ("redis://redis:6379/0", (None, None), "redis://redis:6379/0"),
        ("redis://ann:hers@redis:6379/0", ("gateway", "secret"), "redis://ann:hers@redis:6379/0"),
        ("rediss://redis/0", ("gateway", "a/b@c"), "rediss://gateway:a%2Fb%40c@redis/0"),
    ],
)
def test_credentials_join_a_url_that_names_nobody(
    url: str, credentials: tuple[str | None, str | None], expected: str
) -> None:
    """The URL's own win, as they do for the services."""
    assert checked_redis_url(with_credentials(url, credentials)) == expected


def test_sentinels_are_asked_for_a_primary_that_knows_the_user() -> None:
    address = sentinel_address(with_credentials("redis+sentinel://a:1,b:2/market", ("gateway", "secret")))
    assert (address.username, address.password, address.sentinels) == ("gateway", "secret", [("a", 1), ("b", 2)])
