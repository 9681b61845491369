"""The spread of users' own mean delays."""

from __future__ import annotations

import pytest

from outcry.load.counts import LoadCounts
from outcry.load.fairness import UserMean, fairness, worst
from outcry.load.follower import Follower
from outcry.load.latency import LatencyRecorder

URLS = ["ws://a", "ws://b"]


def test_equal_users_have_no_spread() -> None:
    found = fairness([UserMean(0, 2_000, 1), UserMean(0, 4_000, 2)], URLS)
    assert found == {
        "users": 2, "p5_ms": 2.0, "p50_ms": 2.0, "p95_ms": 2.0, "spread_percent": 0.0,
        "gateways": {"ws://a": {"users": 2, "p5_ms": 2.0, "p50_ms": 2.0, "p95_ms": 2.0, "spread_percent": 0.0}},
    }  # fmt: skip


def test_the_same_people_always_late_are_seen() -> None:
    """As it was: the first tenth after 1.6 ms on average, the last after 6.2 ms."""
    means = [UserMean(0, 1_600 + 5 * place, 1) for place in range(1001)]
    found = fairness(means, URLS)
    assert found["p5_ms"] == pytest.approx(1.85)
    assert found["p95_ms"] == pytest.approx(6.35)
    assert found["spread_percent"] == pytest.approx(243.2, abs=0.1)


def test_a_slower_gateway_is_no_unfairness_of_either() -> None:
    found = fairness([UserMean(number % 2, 1_000 * (1 + number % 2), 1) for number in range(100)], URLS)
    assert found["spread_percent"] == 100.0
    assert worst(found) == 0.0


def test_who_heard_nothing_is_left_out() -> None:
    assert fairness([UserMean(0, 0, 0)], URLS) == {}
    assert fairness([UserMean(0, 0, 0), UserMean(1, 500, 1)], URLS)["users"] == 1


def test_a_user_keeps_count_of_the_deltas_of_the_measurement() -> None:
    follower = Follower("ann", ["ACME"], LoadCounts(), LatencyRecorder())
    follower.connected(0)
    follower.receive([[3, "ACME", 1, 1, 0, 0, [], [], 0]], 10)
    for seq in (2, 3):
        follower.receive([[4, "ACME", seq - 1, seq, 1_000, 0, [], [], 0]], 1_000 + 100 * seq)
    assert follower.take_mean() == (500, 2)
    assert follower.take_mean() == (0, 0)
