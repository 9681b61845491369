"""Amounts, lots and times as sentences for people name them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_MILLION: Final = 1_000_000
_TIME_MAX_US: Final = 253_402_300_799_999_999
"""The end of the year 9999, the last that a date can hold."""


def money_text(amount: int, currency: str = "") -> str:
    """Write millionths as `1,200.00 USD`, or without the currency: two places, more where they are not 0."""
    whole, part = divmod(abs(amount), _MILLION)
    places = f"{part:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole:,}.{places}{' ' if currency else ''}{currency}"


def lots_text(lots: int) -> str:
    """Write `1 lot` or `1,200 lots`."""
    return f"{lots:,} lot{'' if lots == 1 else 's'}"


def time_text(time_us: int) -> str:
    """Write a time as `2026-11-23T08:00:00Z`, with the fraction of a second where there is one."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=min(time_us, _TIME_MAX_US))
    return moment.isoformat().removesuffix("+00:00") + "Z"


def day_text(time_us: int) -> str:
    """Write a time's day, UTC, as `2026-11-23`."""
    return time_text(time_us)[:10]
