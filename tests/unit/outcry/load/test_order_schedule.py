"""When orders are meant to be sent: nothing that happens to them may change it."""

from __future__ import annotations

import pytest

from outcry.load.order_schedule import OrderSchedule

BEGAN_US = 1_000_000


def test_orders_are_evenly_spaced() -> None:
    assert OrderSchedule(100, BEGAN_US).due(BEGAN_US + 30_000) == [1_000_000, 1_010_000, 1_020_000, 1_030_000]


def test_a_late_look_finds_every_intended_time() -> None:
    """What a stalled sender makes wait counts from when it was meant, not from when it got round to it."""
    schedule = OrderSchedule(10, BEGAN_US)
    schedule.due(BEGAN_US)
    assert schedule.due(BEGAN_US + 500_000) == [1_100_000, 1_200_000, 1_300_000, 1_400_000, 1_500_000]
    assert schedule.due(BEGAN_US + 500_000) == []


def test_the_next_time_is_known() -> None:
    schedule = OrderSchedule(4, BEGAN_US)
    assert schedule.next_us() == BEGAN_US
    schedule.due(BEGAN_US)
    assert schedule.next_us() == BEGAN_US + 250_000


@pytest.mark.parametrize("rate", [0.3, 7, 100, 12_345.6])
def test_looks_at_any_times_find_the_same_orders(rate: float) -> None:
    one, often = OrderSchedule(rate, BEGAN_US), OrderSchedule(rate, BEGAN_US)
    end = BEGAN_US + 5_000_000
    found = [time_us for now_us in range(BEGAN_US, end + 1, 777) for time_us in often.due(now_us)]
    assert found + often.due(end) == one.due(end)


def test_processes_that_share_a_rate_take_turns() -> None:
    first, second = OrderSchedule(10, BEGAN_US, phase=0.0), OrderSchedule(10, BEGAN_US, phase=0.5)
    end = BEGAN_US + 199_000
    assert sorted(first.due(end) + second.due(end)) == [1_000_000, 1_050_000, 1_100_000, 1_150_000]


def test_no_rate_is_no_orders() -> None:
    schedule = OrderSchedule(0, BEGAN_US)
    assert (schedule.due(BEGAN_US + 10_000_000), schedule.next_us()) == ([], None)


def test_a_new_rate_counts_from_now() -> None:
    schedule = OrderSchedule(1, BEGAN_US)
    schedule.due(BEGAN_US)
    schedule.set_rate(100, BEGAN_US + 20_000)
    assert schedule.due(BEGAN_US + 40_000) == [1_020_000, 1_030_000, 1_040_000]
