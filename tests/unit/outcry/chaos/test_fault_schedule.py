"""Faults by chance, and by a seed."""

from __future__ import annotations

from itertools import islice

from outcry.chaos.fault import Blow, Part, Strike
from outcry.chaos.fault_schedule import DEAD_SECONDS, FROZEN_SECONDS, FaultSchedule

PARTS = (Part.LEADER, Part.STANDBY, Part.GATEWAY, Part.REDIS)


def strikes(seed: int, count: int) -> list[Strike]:
    faults = islice(FaultSchedule(seed, PARTS, 3).faults(), count)
    return [strike for fault in faults for strike in fault.strikes]


def test_a_seed_gives_the_same_faults_again() -> None:
    assert strikes(3, 50) == strikes(3, 50)
    assert strikes(3, 50) != strikes(4, 50)


def test_every_kind_comes_before_any_comes_again() -> None:
    """So that a run of a minute meets nearly all of them."""
    for seed in range(20):
        first = strikes(seed, 12)[:12]
        assert len({(strike.blow, strike.part, strike.place) for strike in first}) == 12


def test_seconds_are_within_their_bounds() -> None:
    for strike in strikes(1, 200):
        low, high = DEAD_SECONDS if strike.blow is Blow.KILL else FROZEN_SECONDS
        assert low <= strike.seconds <= high


def test_two_at_once_never_meet_the_same_part() -> None:
    """What is dead cannot be frozen."""
    pairs = [fault for fault in islice(FaultSchedule(1, PARTS, 3).faults(), 500) if len(fault.strikes) == 2]
    assert pairs
    assert all(len({(strike.part, strike.place) for strike in pair.strikes}) == 2 for pair in pairs)
    assert {pair.kind for pair in pairs} == {"two at once"}
