"""One look at a load run: what a screen shows, and nothing of how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from outcry.load.report import Point


class LoadMoment(NamedTuple):
    """The figures of now."""

    phase: str
    """`connecting` or `measuring`."""
    elapsed: float
    """Seconds since the phase began."""
    seconds: float
    """How long it is to take."""
    users: int
    """Users who read."""
    slow_users: int
    point: Point
    counts: Mapping[str, int]
    """`LoadCounts` since the measurement began."""
    orders_waiting: int
    news: Sequence[str]
    """What has happened, the last lines."""
