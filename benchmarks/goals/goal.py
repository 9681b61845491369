"""A goal: what is promised, what measures it, and whether it was reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.measure import Spread, spread
from benchmarks.table import Cell


class Trial(NamedTuple):
    """How much to measure."""

    runs: int = 3
    """Of everything that is judged by its median."""
    seconds: float = 5.0
    """Of each look at a running market."""
    share: float = 1.0
    """Of users and rates; below 1 the figures mean nothing."""

    def users(self, full: int) -> int:
        """Return how many users to take, of a full number."""
        return max(10, round(full * self.share))

    def rate(self, full: float) -> float:
        """Return how often, of a full rate."""
        return max(20.0, full * self.share)

    def wait(self, full_s: float) -> float:
        """Return how long to wait for something that takes a while, of a full time."""
        return full_s if self.share == 1 else 0.1


class Figure(NamedTuple):
    """One number with its limit."""

    what: str
    """With its unit."""
    found: Spread
    limit: float
    is_floor: bool = False
    """Whether the limit is the least that is wanted; else the most."""

    @property
    def is_reached(self) -> bool:
        """Judge by the median."""
        return self.found.median >= self.limit if self.is_floor else self.found.median <= self.limit


class Missing(NamedTuple):
    """A goal that could not be measured here."""

    why: str


class Goal(NamedTuple):
    """One row of the issue's table."""

    name: str
    text: str
    measure: Callable[[Trial], Sequence[Figure] | Missing]


def at_most(what: str, values: Sequence[float], limit: float) -> Figure:
    """Return a figure that must not be above a limit."""
    return Figure(what, spread(values), limit)


def at_least(what: str, values: Sequence[float], limit: float) -> Figure:
    """Return a figure that must not be below a limit."""
    return Figure(what, spread(values), limit, is_floor=True)


def rows(goal: Goal, found: Sequence[Figure] | Missing) -> list[list[Cell]]:
    """Return the table's rows for a goal."""
    if isinstance(found, Missing):
        return [[goal.text, "", "", f"not measured: {found.why}", ""]]
    return [
        [
            goal.text if number == 0 else "",
            figure.what,
            f"{'≥' if figure.is_floor else '≤'} {figure.limit:,g}",
            figure.found,
            "reached" if figure.is_reached else "**missed**",
        ]
        for number, figure in enumerate(found)
    ]
