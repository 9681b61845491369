from __future__ import annotations

import json
from collections import Counter

import pytest

from outcry.load.mix import PlannedSubscription, parse_mix
from outcry.load.plan import BOOKS_PROVEN_MAX, UserPlan, plan_users, shares

INSTRUMENTS = ["A", "B", "C", "D", "E"]
BOOKS_PER_USER = 3
"""Of the default mix."""


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


def test_who_does_not_read_verifies_nothing_and_is_never_the_first() -> None:
    plans = plan_users(1_000, 3, INSTRUMENTS, 50, slow_percent=10)
    slow = [plan for plan in plans if plan.is_slow]
    assert len(slow) == 100
    assert not plans[0].is_slow
    assert not any(plan.verifies for plan in slow)


def test_the_books_are_those_of_the_mix() -> None:
    (plan,) = plan_users(1, 1, INSTRUMENTS, 0, parse_mix("book:B@10,top:A,ticker:*"))
    assert (plan.instruments, plan.depth) == (("B",), 10)
    assert plan.subscriptions[1] == PlannedSubscription("top", ("A",))


def test_everything_followed_is_every_book() -> None:
    (plan,) = plan_users(1, 1, INSTRUMENTS, 0, parse_mix("book:*"))
    assert plan.instruments == tuple(INSTRUMENTS)


def test_users_of_many_books_share_the_proof() -> None:
    """A thousand users asking for a thousand books each would be a load of its own."""
    listing = [f"I{number}" for number in range(100)]
    plans = plan_users(100, 1, listing, 0, parse_mix("book:all"))
    assert {len(plan.proven) for plan in plans} == {BOOKS_PROVEN_MAX}
    assert {instrument for plan in plans for instrument in plan.proven} == set(listing)


def test_survives_json() -> None:
    """Plans travel to the load processes."""
    for plan in plan_users(3, 1, INSTRUMENTS, 50, parse_mix("book:2@5/100,trades:*"), slow_percent=40):
        assert UserPlan.read(json.loads(json.dumps(plan))) == plan


def test_a_view_of_the_market_needs_trades_of_one_user() -> None:
    first, second = plan_users(2, 1, INSTRUMENTS, 0, first_shows_trades=True)
    assert first.subscriptions[-1] == PlannedSubscription("trades", first.instruments)
    assert all(each.channel != "trades" for each in second.subscriptions)


@pytest.mark.parametrize("gateways", [2, 3, 5, 10])
def test_those_who_verify_and_those_who_are_slow_sit_at_every_gateway(gateways: int) -> None:
    """Every tenth user would be at one of two gateways, and the other would feel nothing."""
    plans = plan_users(1_000, gateways, INSTRUMENTS, 10, parse_mix("book:all=1,book:1=1"), slow_percent=10)
    for chosen in ([plan for plan in plans if plan.is_slow], [plan for plan in plans if plan.verifies]):
        share = len(chosen) / gateways
        assert all(abs(count - share) <= 3 for count in Counter(plan.gateway for plan in chosen).values())
        assert sum(len(plan.instruments) > 1 for plan in chosen) == pytest.approx(50, abs=3)
