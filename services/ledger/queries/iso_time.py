"""Times as people and programs write them: ISO 8601 with an offset or Z in, UTC with six decimals out.

The form is ours to judge, before any library sees it: some take a bare number as seconds, a time without a zone as
theirs, and cut a seventh decimal without a word.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Final

TIME_PATTERN: Final = (
    r"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
DAY_PATTERN: Final = r"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
TIME_LETTERS_MAX: Final = 32
DAY_US: Final = 86_400_000_000
SECONDS_MAX: Final = 4_096
"""Seconds whose text is remembered."""
_TIME: Final = re.compile(TIME_PATTERN)
_DAY: Final = re.compile(DAY_PATTERN)
_ZONELESS: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]*)?)?)?")
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 -- offsets are subtracted by hand: at year 9999 a library would overflow
_MICROSECOND: Final = dt.timedelta(microseconds=1)


class TimeWithoutZone(ValueError):
    """A time that says not where."""


def read_time(text: str) -> int:
    """
    Return a time in µs since 1970 UTC.

    Raises:
        TimeWithoutZone: If it has neither offset nor Z.
        ValueError: If it is no such time; says why.
    """
    if len(text) > TIME_LETTERS_MAX or _TIME.fullmatch(text) is None:
        if _ZONELESS.fullmatch(text):
            raise TimeWithoutZone("must end with Z or an offset such as +02:00, in a URL %2B02:00")
        raise ValueError(
            "must be a time such as 2026-11-20T10:31:02.5Z, at most six decimals, Z or an offset at its end"
        )
    if text[-1] == "Z":
        local, offset = text[:-1], 0
    else:
        local, sign = text[:-6], -1 if text[-6] == "-" else 1
        offset = sign * (int(text[-5:-3]) * 60 + int(text[-2:])) * 60_000_000
    found = _from_parts(local) - offset
    if found < 0:
        raise ValueError("must not be before 1970-01-01T00:00:00Z")
    return found


def read_day(text: str) -> str:
    """
    Return a date as it came.

    Raises:
        ValueError: If there is no such day.
    """
    if len(text) > TIME_LETTERS_MAX or _DAY.fullmatch(text) is None:
        raise ValueError("must be a date such as 2026-11-20")
    _from_parts(f"{text}T00:00:00")
    return text


def day_start(day: str) -> int:
    """Return when a date begins in UTC, µs."""
    return _from_parts(f"{day}T00:00:00")


def time_text(time_us: int) -> str:
    """Write µs since 1970 as UTC with six decimals; what no calendar holds is written as the number."""
    seconds, us = divmod(time_us, 1_000_000)
    try:
        return f"{_second_text(seconds)}.{us:06d}Z"
    except OverflowError:
        return str(time_us)


@lru_cache(SECONDS_MAX)
def _second_text(seconds: int) -> str:
    """Rows come in order of their times, so that many in turn are of one second."""
    return (_EPOCH + dt.timedelta(seconds=seconds)).isoformat(timespec="seconds")


def day_text(time_us: int) -> str:
    """Return the UTC date of a time."""
    return time_text(time_us)[:10]


def _from_parts(local: str) -> int:
    date, _, clock = local.partition("T")
    whole, _, fraction = clock.partition(".")
    try:
        moment = dt.datetime.strptime(f"{date}T{whole}", "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 -- see _EPOCH
    except ValueError as error:
        raise ValueError("there is no such day") from error
    return (moment - _EPOCH) // _MICROSECOND + int(fraction.ljust(6, "0") or "0")
