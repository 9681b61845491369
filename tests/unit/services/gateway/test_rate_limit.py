from __future__ import annotations

import pytest

from services.gateway.rate_limit import OVERDRAWN_S_MAX, READING_SHARE, SAVED_S_MAX, ReadingTime
from shared.token_bucket import Rate, TokenBucket


def test_lets_a_burst_pass_then_the_rate() -> None:
    bucket = TokenBucket(Rate(10, 3), now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.1)
    assert not bucket.take(0.1)


def test_saves_up_no_more_than_the_burst() -> None:
    bucket = TokenBucket(Rate(10, 2), now=0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [True, True, False]


def test_what_was_saved_is_spent_at_once() -> None:
    reading = ReadingTime(0.0)
    for _ in range(9):
        assert reading.wait_s(0.0) == 0
        reading.spend(SAVED_S_MAX / 10)
    assert reading.wait_s(0.0) == 0


def test_who_goes_on_reading_has_its_share_and_no_more() -> None:
    reading, now, spent = ReadingTime(0.0), 0.0, 0.0
    while now < 10:
        if wait_s := reading.wait_s(now):
            now += max(wait_s, 1e-6)
        else:
            reading.spend(0.002)
            now += 0.002
            spent += 0.002
    assert spent == pytest.approx(10 * READING_SHARE, rel=0.02)


def test_one_long_turn_is_not_paid_for_for_ever() -> None:
    reading = ReadingTime(0.0)
    reading.spend(60.0)
    assert reading.wait_s(0.0) == pytest.approx(OVERDRAWN_S_MAX / READING_SHARE)
    assert reading.wait_s(0.01) == pytest.approx(OVERDRAWN_S_MAX / READING_SHARE - 0.01)


def test_no_more_is_saved_than_its_limit() -> None:
    reading = ReadingTime(0.0)
    assert reading.wait_s(1e6) == 0
    reading.spend(SAVED_S_MAX + 0.001)
    assert reading.wait_s(1e6) > 0
