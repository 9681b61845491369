"""What the calendars have planned: moments in UTC and what begins then.

Owns the steps and their bound. There is no time zone here and no calendar of the year: whoever makes a schedule has
turned local times into moments, so that the same log gives the same market everywhere. Invariant: of each calendar the
steps are in order, and the last one closes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final

from openoutcry.wire.types import Phase
from shared.logs.session_commands import CALENDARS_MAX, STEPS, STEPS_MAX, ScheduledStep, SetSchedule

CALENDAR: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = attrgetter("time_us")
CALL_OF: Final = {"open_call": Phase.OPENING, "single_call": Phase.SINGLE, "close_call": Phase.CLOSING}
"""The call that a step begins."""
PHASE_AFTER: Final = {"continuous": Phase.CONTINUOUS, "batch": Phase.BATCH, "close": Phase.CLOSED}
"""The phase that a step leads to, once a call before it has ended."""


class Plan:
    """
    One calendar's steps.

    Args:
        steps: In order of time.
        tzdata: Version of the zone data that they were made with.
        done: How many of them have been taken.
    """

    __slots__ = ("done", "steps", "tzdata")

    def __init__(self, steps: Iterable[ScheduledStep] = (), tzdata: str = "", done: int = 0) -> None:
        self.steps = list(steps)
        self.tzdata = tzdata
        self.done = done

    @property
    def next_us(self) -> int:
        """When the next step is due, µs; 0: there is none."""
        return self.steps[self.done].time_us if self.done < len(self.steps) else 0

    @property
    def trading_day(self) -> str:
        """The day of the step that was taken last, as 2026-11-30; "" before the first."""
        return self.steps[self.done - 1].trading_day if self.done else ""

    @property
    def has_closed(self) -> bool:
        """Whether the day of the step that was taken last is over."""
        return self.done > 0 and self.steps[self.done - 1].step == "close"

    def take(self) -> ScheduledStep:
        """Take the next step."""
        step = self.steps[self.done]
        self.done += 1
        return step

    def phase(self) -> Phase:
        """Return the phase that the steps taken so far lead to: a call only until its uncrossing."""
        if not self.done:
            return Phase.CLOSED
        last = self.steps[self.done - 1].step
        if last in CALL_OF:
            return CALL_OF[last]
        return PHASE_AFTER.get(last, Phase.CLOSED)

    def end_of_call(self) -> int:
        """Return when the call that is under way ends at the earliest: at the next `uncross` or `close`; 0: never."""
        coming = islice(self.steps, self.done, None)
        return next((step.time_us for step in coming if step.step in ("uncross", "close")), 0)

    def until(self, phase: Phase) -> int:
        """Return when a phase that the plan leads to ends, µs; 0: not known. O(steps)."""
        if phase is not Phase.CLOSED:
            return self.next_us
        return next((step.time_us for step in islice(self.steps, self.done, None) if step.step != "close"), 0)

    def first_step(self, trading_day: str) -> int:
        """Return when the first trading day after one begins, µs; 0: not planned yet. O(steps)."""
        return next((step.time_us for step in self.steps if step.trading_day > trading_day), 0)

    def close_of(self, trading_day: str) -> int:
        """
        Return when a day, or the last trading day before it, closes, µs; 0: that is not planned.

        Args:
            trading_day: As 2026-11-30; need not be a trading day.
        """
        if not self.steps or trading_day > self.steps[-1].trading_day:
            return 0
        closes = [step.time_us for step in self.steps if step.step == "close" and step.trading_day <= trading_day]
        return closes[-1] if closes else 0

    def days_ahead(self) -> int:
        """Return how many trading days have not begun yet."""
        return len({step.trading_day for step in self.steps[self.done :]} - {self.trading_day})

    def revise(self, steps: Sequence[ScheduledStep], tzdata: str, time_us: int) -> list[ScheduledStep]:
        """
        Take other steps between the first and the last of them; what is planned before and behind stays.

        Returns:
            Those that are in the past.

        Those are not carried out one by one: the phase that they lead to is that of now.
        """
        at = bisect_right(self.steps, steps[0].time_us - 1, key=_TIME)
        kept = self.steps[: max(at, self.done)]
        behind = [step for step in self.steps[self.done :] if step.time_us > steps[-1].time_us]
        past = [step for step in steps if step.time_us <= time_us]
        keep_from = max(0, self.done - KEPT_STEPS)  # what has been taken is only looked back at
        self.steps = [*kept[keep_from:], *steps, *behind]
        self.done += len(past) - keep_from  # what is kept may be still to come
        self.tzdata = tzdata
        return past


PLANNED_MAX: Final = 4_096
"""Steps of one calendar: more than two years."""
KEPT_STEPS: Final = 16
"""Steps of the past that are kept."""


def schedule_fault(command: SetSchedule, plans: Mapping[str, Plan], time_us: int) -> str | None:  # noqa: PLR0911 - one a rule
    """Return what is wrong with a schedule, or None. O(steps)."""
    if CALENDAR.fullmatch(command.calendar) is None:
        return f"calendar: is 1 to 32 letters, digits and . _ -, not {command.calendar!r}"
    if command.calendar not in plans and len(plans) >= CALENDARS_MAX:
        return f"calendar: {CALENDARS_MAX} are known, and there is no room for another"
    steps = command.steps
    if not 1 <= len(steps) <= STEPS_MAX:
        return f"steps: are 1 to {STEPS_MAX:,}, not {len(steps):,}"
    for n, step in enumerate(steps):
        if _DAY.fullmatch(step.trading_day) is None:
            return f"steps.{n}: the trading day is written as 2026-11-30, not {step.trading_day!r}"
        if step.step not in STEPS:
            return f"steps.{n}: is one of {', '.join(STEPS)}, not {step.step!r}"
        if n and (step.time_us < steps[n - 1].time_us or step.trading_day < steps[n - 1].trading_day):
            return f"steps.{n}: comes before steps.{n - 1}"
    if steps[-1].step != "close":
        return f"steps.{len(steps) - 1}: the last one must be 'close', not {steps[-1].step!r}"
    plan = plans.get(command.calendar)
    if plan is not None and len(plan.steps) + len(steps) > PLANNED_MAX:
        return f"steps: of a calendar at most {PLANNED_MAX:,} are planned"
    if steps[-1].time_us <= time_us:
        return "steps: all of them are in the past"
    if plan is not None and plan.done and steps[0].time_us <= plan.steps[plan.done - 1].time_us:
        return f"steps.0: is not later than {plan.steps[plan.done - 1].step}, which has happened"
    return None
