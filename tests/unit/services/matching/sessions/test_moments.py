"""When a leader speaks though nobody asks."""

from __future__ import annotations

from services.matching.sessions.moments import GO_ON_US, PAUSE_US, Moments
from services.matching.timers import NEVER
from shared.logs.commands import PassTime, Tick
from tests.unit.services.matching.sessions.exchange_day import SECOND_US, ExchangeDay
from tests.unit.services.matching.test_due_in_parts import late


def test_the_end_of_a_call_is_drawn_between_its_earliest_and_its_latest() -> None:
    day = ExchangeDay(random_end_s=30)
    moments = Moments(day.engine, day.engine.phases, lambda: 0.25)
    day.at(60)
    assert moments.take_ends(day.time) == [], "it may not end yet"
    day.at(120)
    assert moments.take_ends(day.time) == []
    drawn = day.time + int(7.5 * SECOND_US)
    assert moments.next_us(day.time) == drawn
    assert moments.take_ends(drawn - 1) == []
    assert moments.take_ends(drawn) == [("ACME", 1)]
    assert moments.take_ends(drawn + 1) == [], "told once"


def test_what_is_due_is_said_once_though_the_clock_of_the_log_is_behind() -> None:
    day = ExchangeDay()
    moments = Moments(day.engine, day.engine.phases, lambda: 0.5)
    due = day.begun + 60 * SECOND_US
    assert moments.next_us(day.begun) == due
    assert not moments.is_due(due - 1)
    assert moments.is_due(due)
    assert not moments.is_due(due + 1)
    assert moments.next_us(due) == NEVER
    day.at(60)
    assert moments.next_us(day.time) == day.begun + 120 * SECOND_US


def test_a_look_is_not_sooner_than_the_pause() -> None:
    day = ExchangeDay()
    assert (
        Moments(day.engine, day.engine.phases, lambda: 0.5).next_us(day.begun + 59_999_999)
        == day.begun + 59_999_999 + PAUSE_US
    )


def test_a_market_that_has_more_to_do_is_asked_to_go_on_once_for_each_command() -> None:
    floor = late(1_200)
    moments = Moments(floor.engine, floor.engine.phases, lambda: 0.5)
    floor.does(Tick)
    assert floor.engine.is_late
    assert moments.next_us(floor.time) == floor.time + GO_ON_US
    assert [moments.is_due(floor.time) for _ in range(3)] == [True, False, False]
    floor.does(PassTime, floor.time)
    assert moments.is_due(floor.time)
    floor.does(PassTime, floor.time)
    assert not floor.engine.is_late
    assert not moments.is_due(floor.time)
