"""`redis+sentinel://` URLs: every part read, and every mistake named."""

from __future__ import annotations

import pytest

from openoutcry.wire.errors import ConfigurationError
from shared.aio.redis_connection import open_redis
from shared.redis_url import SentinelAddress, sentinel_address


def test_every_part_is_read() -> None:
    assert sentinel_address("redis+sentinel://ann:s%40crt@a:1,b/market/3") == SentinelAddress(
        [("a", 1), ("b", 26379)], "market", 3, "ann", "s@crt"
    )


def test_a_service_is_enough() -> None:
    assert sentinel_address("redis+sentinel://a/market") == SentinelAddress([("a", 26379)], "market", 0, None, None)


@pytest.mark.parametrize(
    "url", ["redis+sentinel://a:1", "redis+sentinel://a:x/market", "redis+sentinel:///market", "redis+sentinel://a/m/x"]
)
def test_another_form_is_refused_with_the_right_one(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not of the form redis\+sentinel://"):
        sentinel_address(url)
    with pytest.raises(ValueError, match=r"must be redis://.* or redis\+sentinel://"):
        open_redis(url, "test")
