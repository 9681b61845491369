from __future__ import annotations

from collections import Counter

import pytest

from openoutcry.load.plan import BOOKS_PER_USER, plan_users, shares

INSTRUMENTS = ["A", "B", "C", "D", "E"]


def test_users_are_spread_evenly_over_gateways_and_books() -> None:
    plans = plan_users(1_000, 3, INSTRUMENTS, 5)
    assert sorted(Counter(plan.gateway for plan in plans).values()) == [333, 333, 334]
    followed = Counter(instrument for plan in plans for instrument in plan.instruments)
    assert set(followed.values()) == {1_000 * BOOKS_PER_USER // 5}


def test_everyone_follows_different_books() -> None:
    assert all(len(set(plan.instruments)) == BOOKS_PER_USER for plan in plan_users(20, 1, INSTRUMENTS, 5))


def test_one_hot_book_is_everybodys() -> None:
    assert {plan.instruments for plan in plan_users(20, 1, ["A"], 5)} == {("A",)}


@pytest.mark.parametrize(("percent", "verifying"), [(0, 0), (5, 50), (7.5, 75), (100, 1_000)])
def test_the_asked_share_verifies(percent: float, verifying: int) -> None:
    assert sum(plan.verifies for plan in plan_users(1_000, 3, INSTRUMENTS, percent)) == verifying


def test_the_first_user_verifies() -> None:
    """The screen shows the market as this user holds it."""
    assert plan_users(10, 1, INSTRUMENTS, 1)[0].verifies


def test_every_process_has_its_share_of_every_gateway() -> None:
    """A gateway's death must not end one process's work and spare the other's."""
    dealt = shares(plan_users(1_000, 3, INSTRUMENTS, 5), 2)
    assert [len(plans) for plans in dealt] == [500, 500]
    for plans in dealt:
        assert all(count >= 166 for count in Counter(plan.gateway for plan in plans).values())


def test_the_first_user_is_the_first_processs_first() -> None:
    assert shares(plan_users(100, 3, INSTRUMENTS, 5), 2)[0][0].number == 0
