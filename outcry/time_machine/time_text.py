"""Moments as people write them: ISO 8601, to the µs.

A time without an offset is UTC, and whoever asks is told so. Nothing else is guessed: a pattern of our own comes first,
since parsers take "20261120" or a week's number for a day, and cut a seventh decimal without a word.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?P<offset>Z|[+-]\d\d:\d\d)?", re.ASCII
)
_CLOCK: Final = re.compile(r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?Z?", re.ASCII)


class AskedMoment(NamedTuple):
    """A moment, and how it was meant."""

    time_us: int
    """µs since 1970 UTC."""
    has_offset: bool
    """False: UTC was taken for granted."""


def read_moment(text: str, name: str = "--at") -> AskedMoment:
    """
    Read a moment such as 2026-11-20T10:31:02.5Z.

    Raises:
        ConfigurationError: If it is none.
    """
    found = _MOMENT.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        rule = f"must be a moment such as 2026-11-20T10:31:02.5Z, with at most six decimals, not {text!r}"
        raise ConfigurationError(f"{name}: {rule}") from None
    has_offset = moment.tzinfo is not None
    if not has_offset:
        moment = moment.replace(tzinfo=UTC)
    return AskedMoment((moment - _EPOCH) // timedelta(microseconds=1), has_offset)


def read_day(text: str, name: str) -> int:
    """
    Read a day such as 2026-11-20; returns its beginning in UTC, µs.

    Raises:
        ConfigurationError: If it is none.
    """
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError(text)
        return (date.fromisoformat(text) - _EPOCH.date()).days * DAY_US
    except ValueError:
        raise ConfigurationError(f"{name}: must be a day such as 2026-11-20, not {text!r}") from None


def read_clock(text: str, name: str) -> int:
    """
    Read a time of day in UTC, such as 09:00Z; returns µs since its day began.

    Raises:
        ConfigurationError: If it is none.
    """
    found = _CLOCK.fullmatch(text)
    if found is not None:
        hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
        if hour <= 24 and minute < 60 and second < 60 and hour * 60 + minute <= 24 * 60:
            return ((hour * 60 + minute) * 60 + second) * SECOND_US
    raise ConfigurationError(f"{name}: must be a time of day in UTC such as 09:00Z, not {text!r}")


def moment_text(time_us: int) -> str:
    """Write a time as 2026-11-20T10:31:02.498000Z, all six decimals if there is a fraction."""
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).isoformat().removesuffix("+00:00") + "Z"
    except OverflowError:
        return f"{time_us:,} µs since 1970"
