"""Commands about the market's day: schedules, and the ends of calls."""

from __future__ import annotations

from typing import Final, NamedTuple

STEPS: Final = ("open_call", "single_call", "uncross", "continuous", "batch", "close_call", "close")
"""What a schedule is made of. A call begins; ends at the earliest; what follows once it has ended."""
STEPS_MAX: Final = 512
"""Steps that one command brings."""
CALENDARS_MAX: Final = 64


class ScheduledStep(NamedTuple):
    """One step of a calendar."""

    trading_day: str
    """As 2026-11-30."""
    time_us: int
    """µs since 1970 UTC."""
    step: str
    """One of STEPS."""


class SetSchedule(NamedTuple):
    """Set a calendar's steps between the first and the last one here; what is planned before and behind stays."""

    source: str
    number: int
    actor: str
    calendar: str
    tzdata: str
    """Version of the zone data that turned local times into these; machines differ."""
    steps: tuple[ScheduledStep, ...]
    """1 to STEPS_MAX, in order of time; the last one closes."""


class EndCall(NamedTuple):
    """End a call whose earliest end is over, or (`force`) any call, whatever its price."""

    source: str
    number: int
    actor: str
    """Nobody ("") is the leader, who drew the moment."""
    instrument: str
    auction_id: int
    """Of the call that is meant; another one is left alone. 0: whichever it is in."""
    force: bool
