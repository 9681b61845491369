"""Choosing users evenly."""

from __future__ import annotations

import pytest

from outcry.load.even_choice import FOR_MIX, FOR_PICKS, in_turns, part, point


def test_every_user_has_a_turn_and_the_first_is_first() -> None:
    turns = in_turns(1_000)
    assert turns[0] == 0
    assert sorted(turns) == list(range(1_000))


@pytest.mark.parametrize("every", [2, 3, 7, 10, 64])
def test_beginnings_are_spread_over_any_counting(every: int) -> None:
    chosen = in_turns(6_400)[:640]
    for remainder in range(every):
        assert sum(number % every == remainder for number in chosen) == pytest.approx(640 / every, abs=12)


def test_two_choices_do_not_go_together() -> None:
    both = sum(point(number, FOR_PICKS) < 0.1 and point(number, FOR_MIX) < 0.5 for number in range(10_000))
    assert both == pytest.approx(500, abs=10)


@pytest.mark.parametrize(("percent", "users"), [(0, 0), (7.000000000000001, 7), (0.1, 1), (100, 100)])
def test_a_part_is_rounded_up_but_not_for_a_float(percent: float, users: int) -> None:
    assert part(100, percent) == users
