"""Local times become moments; the traps of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from openoutcry.wire.errors import ConfigurationError
from outcry.administration.trading_calendar import (
    CalendarSection,
    in_parts,
    schedule,
    unlisted_half_days,
)

STEPS = [["08:50", "open_call"], ["09:00", "uncross"], ["09:00", "continuous"], ["17:30", "close"]]


def calendar(**fields: Any) -> CalendarSection:
    return CalendarSection.model_validate({"zone": "Europe/Berlin", "steps": STEPS, **fields})


def moments(found: Any) -> list[str]:
    return [datetime.fromtimestamp(step.time_us / 1_000_000, UTC).strftime("%m-%d %H:%M") for step in found]


def test_a_close_at_half_past_five_in_berlin_is_another_moment_in_winter() -> None:
    """The clocks go back between Friday 23 and Monday 26 October 2026."""
    planned = schedule("berlin", calendar(), date(2026, 10, 23), 2)
    assert [text for text, step in zip(moments(planned), planned, strict=True) if step.step == "close"] == [
        "10-23 15:30",
        "10-26 16:30",
    ]


@pytest.mark.parametrize(
    ("day", "fault"),
    [
        (date(2026, 10, 25), "02:30 is twice on 2026-10-25 in Europe/Berlin; choose another time"),
        (date(2027, 3, 28), "02:30 is not on 2027-03-28 in Europe/Berlin; choose another time"),
    ],
)
def test_a_local_time_that_is_not_there_or_twice_is_refused(day: date, fault: str) -> None:
    night = calendar(steps=[["02:30", "continuous"], ["05:00", "close"]], weekdays=[1, 2, 3, 4, 5, 6, 7])
    with pytest.raises(ConfigurationError) as refused:
        schedule("night", night, day, 1)
    assert str(refused.value) == f"calendars.night: {fault}"


def test_weekends_holidays_and_closed_days_are_no_trading_days() -> None:
    planned = schedule("berlin", calendar(holidays="XETR", closed=["2026-12-30"]), date(2026, 12, 23), 4)
    days = list(dict.fromkeys(step.trading_day for step in planned))
    assert days == ["2026-12-23", "2026-12-28", "2026-12-29", "2027-01-04"]


def test_a_half_day_has_steps_of_its_own() -> None:
    half = calendar(half_days={"2026-12-30": [["09:00", "continuous"], ["14:00", "close"]]})
    planned = schedule("berlin", half, date(2026, 12, 30), 1)
    assert moments(planned) == ["12-30 08:00", "12-30 13:00"]


def test_half_days_that_nobody_wrote_down_are_named() -> None:
    """The package knows the days, and no closing times."""
    york = calendar(zone="America/New_York", holidays="XNYS")
    planned = schedule("york", york, date(2026, 11, 25), 4)
    assert unlisted_half_days(york, planned) == ["2026-11-27"]
    known = calendar(zone="America/New_York", holidays="XNYS", half_days={"2026-11-27": [["13:00", "close"]]})
    assert unlisted_half_days(known, planned) == []


def test_a_year_is_cut_into_parts_of_whole_days() -> None:
    planned = schedule("berlin", calendar(), date(2026, 1, 1), 250)
    parts = list(in_parts(planned))
    assert [step for part in parts for step in part] == planned
    assert all(part[-1].step == "close" for part in parts)
    assert max(map(len, parts)) <= 184


def test_a_calendar_without_trading_days_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"calendars\.rare: has no 900 trading days in the 730 days"):
        schedule("rare", calendar(), date(2026, 1, 1), 900)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"zone": "Europe/Berlinn"}, "must be a zone of the IANA data"),
        ({"zone": "../../etc/passwd"}, "must be a zone of the IANA data"),
        ({"holidays": "XBER"}, "must be a market of the package holidays"),
        ({"closed": ["24.12.2026"]}, "must be a date such as 2026-12-24"),
        ({"closed": ["20261224"]}, "must be a date such as 2026-12-24"),
        ({"steps": [["8:50", "close"]]}, "step 0: the time must be written as 08:50"),
        ({"steps": [["08:50", "lunch"]]}, "step 0: must be one of open_call"),
        ({"steps": [["08:50", "open_call"]]}, "the last step must be close"),
        ({"steps": [["08:50", "open_call"], ["08:00", "close"]]}, "step 1: 08:00 comes before 08:50"),
        ({"weekdays": [0]}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_calendar_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        calendar(**fields)
