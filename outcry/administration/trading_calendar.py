"""Calendars of the market's file, turned into moments in UTC.

Owns local times, zones and holidays; the engine knows none of them. The zone data are those of the package `tzdata`,
whatever the machine has: machines differ, and a schedule says which it was made with. A local time that a day does not
have, or has twice, is refused by name and date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import holidays
import tzdata  # type: ignore[import-untyped]
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StrictStr

from openoutcry.wire.errors import ConfigurationError
from shared.logs.session_commands import STEPS

TZDATA: Final[str] = tzdata.IANA_VERSION
"""Version of the zone data, such as 2026f."""
DAYS_LOOKED_AT: Final = 730
"""Days among which trading days are looked for."""
PART_STEPS: Final = 180
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")


def _checked_zone(name: str) -> str:
    if _ZONE.fullmatch(name) is None or zone(name) is None:
        raise ValueError(f"must be a zone of the IANA data {TZDATA}, such as Europe/Berlin, not {name!r}")
    return name


def _checked_market(name: str) -> str:
    known = holidays.list_supported_financial()
    if name and name not in known:
        raise ValueError(f"must be a market of the package holidays, such as XETR or XNYS, not {name!r}")
    return name


def _checked_date(text: str) -> str:
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise ValueError(f"must be a date such as 2026-12-24, not {text!r}")


def _checked_steps(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    for n, (at, step) in enumerate(steps):
        if _TIME.fullmatch(at) is None:
            raise ValueError(f"step {n}: the time must be written as 08:50 or 08:50:30, not {at!r}")
        if step not in STEPS:
            raise ValueError(f"step {n}: must be one of {', '.join(STEPS)}, not {step!r}")
        if n and at < steps[n - 1][0]:
            raise ValueError(f"step {n}: {at} comes before {steps[n - 1][0]}")
    if not steps or steps[-1][1] != "close":
        raise ValueError("the last step must be close")
    return steps


Steps: TypeAlias = Annotated[
    list[tuple[StrictStr, StrictStr]], Field(min_length=1, max_length=16), AfterValidator(_checked_steps)
]
Date: TypeAlias = Annotated[StrictStr, AfterValidator(_checked_date)]


class CalendarSection(BaseModel):
    """`[calendars.NAME]`: a trading day's steps in local time, and which days are none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: Annotated[StrictStr, AfterValidator(_checked_zone)]
    steps: Steps
    """[time, step], in order; the last is `close`."""
    weekdays: list[Annotated[StrictInt, Field(ge=1, le=7)]] = Field(default=[1, 2, 3, 4, 5], min_length=1)
    """1 is Monday."""
    holidays: Annotated[StrictStr, AfterValidator(_checked_market)] = ""
    """Market whose holidays are no trading days; "": none."""
    closed: list[Date] = Field(default_factory=list, max_length=1_000)
    """Further days that are none."""
    half_days: dict[Date, Steps] = Field(default_factory=dict)
    """Days with steps of their own. No package knows when they close."""


class PlannedStep(NamedTuple):
    """One step of a schedule."""

    trading_day: str
    time_us: int
    step: str


@cache
def zone(name: str) -> ZoneInfo | None:
    """Return a zone of the pinned data; None if there is none."""
    file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    if not file.is_file():
        return None
    with file.open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def schedule(name: str, calendar: CalendarSection, first: date, days: int) -> list[PlannedStep]:
    """
    Return all steps of so many trading days.

    Args:
        name: The calendar's, for errors.
        calendar: Its section of the file.
        first: The first day that may be one.
        days: Trading days, from 1.

    Raises:
        ConfigurationError: If a day does not have a local time, or has it twice; names calendar, time, date and zone.
    """
    found: list[PlannedStep] = []
    for day in _trading_days(name, calendar, first, days):
        for at, step in calendar.half_days.get(day.isoformat(), calendar.steps):
            found.append(PlannedStep(day.isoformat(), _moment_us(name, calendar.zone, day, at), step))
    return found


def in_parts(steps: list[PlannedStep]) -> Iterator[list[PlannedStep]]:
    """Yield whole trading days, about PART_STEPS together: what one request can hold."""
    part: list[PlannedStep] = []
    for step in steps:
        if len(part) >= PART_STEPS and step.trading_day != part[-1].trading_day:
            yield part
            part = []
        part.append(step)
    yield part


def unlisted_half_days(calendar: CalendarSection, planned: list[PlannedStep]) -> list[str]:
    """Return the days that are half ones by the package of holidays, and have no steps of their own."""
    if not calendar.holidays:
        return []
    days = list(dict.fromkeys(step.trading_day for step in planned))
    years = sorted({int(day[:4]) for day in days})
    try:
        half: Mapping[date, str] = holidays.financial_holidays(calendar.holidays, years=years, categories=("half_day",))
    except ValueError:  # of a market whose half days the package does not know
        return []
    return [day for day in days if date.fromisoformat(day) in half and day not in calendar.half_days]


def _trading_days(name: str, calendar: CalendarSection, first: date, days: int) -> Iterator[date]:
    years = range(first.year, (first + timedelta(DAYS_LOOKED_AT)).year + 1)
    off: Mapping[date, str] = holidays.financial_holidays(calendar.holidays, years=years) if calendar.holidays else {}
    left = days
    for n in range(DAYS_LOOKED_AT):
        day = first + timedelta(n)
        if day.isoweekday() in calendar.weekdays and day not in off and day.isoformat() not in calendar.closed:
            yield day
            left -= 1
            if not left:
                return
    raise ConfigurationError(f"calendars.{name}: has no {days} trading days in the {DAYS_LOOKED_AT} days from {first}")


def _moment_us(name: str, zone_name: str, day: date, at: str) -> int:
    found = zone(zone_name)
    assert found is not None
    first, second = (datetime.combine(day, time.fromisoformat(at), found).replace(fold=fold) for fold in (0, 1))
    # The library never refuses a local time: the two readings of one that is there once are the same.
    if first.utcoffset() != second.utcoffset():
        is_there = first.astimezone(UTC).astimezone(found).replace(tzinfo=None) == first.replace(tzinfo=None)
        fault = f"{at} is twice on {day} in {zone_name}" if is_there else f"{at} is not on {day} in {zone_name}"
        raise ConfigurationError(f"calendars.{name}: {fault}; choose another time")
    return int(first.timestamp()) * 1_000_000
