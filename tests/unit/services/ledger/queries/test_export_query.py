"""Exports: of which times a day is."""

from __future__ import annotations

from services.ledger.queries.candle_query import DayClose
from services.ledger.queries.export_query import times_of_day
from services.ledger.queries.iso_time import DAY_US, day_start

HOUR = 3_600_000_000
FIRST, SECOND = day_start("2026-11-19"), day_start("2026-11-20")
CLOSES = [DayClose("2026-11-19", FIRST + 21 * HOUR), DayClose("2026-11-20", SECOND + 21 * HOUR)]


def test_a_trading_day_is_what_lies_between_two_closes() -> None:
    assert times_of_day("2026-11-20", CLOSES) == (FIRST + 21 * HOUR + 1, SECOND + 21 * HOUR + 1)


def test_the_day_of_the_close_of_today_is_not_over() -> None:
    assert times_of_day("2026-11-21", CLOSES) == (SECOND + 21 * HOUR + 1, SECOND + 2 * DAY_US)


def test_without_closes_a_day_is_one_of_utc() -> None:
    assert times_of_day("2026-11-20", []) == (SECOND, SECOND + DAY_US)
    assert times_of_day("2026-11-18", CLOSES) == (FIRST - DAY_US, FIRST)


def test_days_next_to_each_other_share_nothing() -> None:
    assert times_of_day("2026-11-19", CLOSES)[1] == times_of_day("2026-11-20", CLOSES)[0]
    assert times_of_day("2026-11-20", CLOSES)[1] == times_of_day("2026-11-21", CLOSES)[0]
