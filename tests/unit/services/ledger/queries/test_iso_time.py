"""Times: what is read, what is refused, what is written."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.queries.iso_time import DAY_US as DAY
from services.ledger.queries.iso_time import TimeWithoutZone, read_day, read_time, time_text

LATEST = 253_402_300_799_999_999


@given(st.integers(0, LATEST))
def test_what_is_written_is_read(time_us: int) -> None:
    assert read_time(time_text(time_us)) == time_us


@given(st.integers(DAY, LATEST - DAY), st.integers(-23 * 60, 23 * 60))
def test_an_offset_is_taken_off(time_us: int, minutes: int) -> None:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=time_us)
    assert read_time(moment.astimezone(dt.timezone(dt.timedelta(minutes=minutes))).isoformat()) == time_us


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.1Z", 100_000),
        ("1970-01-01T01:00:00.000001+01:00", 1),
        ("1970-01-01T00:00:00-00:30", 1_800_000_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000_000),
    ],
)
def test_times(text: str, time_us: int) -> None:
    assert read_time(text) == time_us


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "1e9", "NaN", "2026-11-20T10:31:02Zz", "2026-11-20T10:31:02 Z", "2026-11-20t10:31:02z", "x" * 99),
        *("2026-11-20T24:00:00Z", "2026-11-20T10:31:02.Z", "2026-11-20T10:31:02,5Z", "2026-13-01T00:00:00Z"),
        *("2026-11-20T10:31:02+24:00", "2026-11-20T10:31:02+0200", "2026-11-20T10:31:02 02:00"),
        "\uff12026-11-20T10:31:02Z",  # a digit of another script
    ],
)
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="must") as refused:
        read_time(text)
    assert not isinstance(refused.value, TimeWithoutZone)


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T10:31", "2026-11-20 10:31:02", "2026-11-20T10:31:02.5"])
def test_a_time_without_a_zone_is_told_apart(text: str) -> None:
    with pytest.raises(TimeWithoutZone, match="%2B"):
        read_time(text)


def test_days() -> None:
    assert read_day("2028-02-29") == "2028-02-29"
    for text in ("2026-02-29", "2026-2-1", "20260201", "2026-02-01T00:00:00Z", "9999-99-99"):
        with pytest.raises(ValueError, match=r"must be a date|no such day"):
            read_day(text)
