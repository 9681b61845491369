from __future__ import annotations

from services.gateway.rate_limit import Rate, TokenBucket


def test_lets_a_burst_pass_then_the_rate() -> None:
    bucket = TokenBucket(Rate(10, 3), now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.1)
    assert not bucket.take(0.1)


def test_saves_up_no_more_than_the_burst() -> None:
    bucket = TokenBucket(Rate(10, 2), now=0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [True, True, False]
