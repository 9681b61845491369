"""One look at a run with faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class ChaosMoment(NamedTuple):
    """The figures of now."""

    phase: str
    """`trading`, or the kind of the fault that the market recovers from."""
    elapsed: float
    seconds: float
    users: int
    whole: int
    """Users who are connected and trust every book; during a recovery, those who have recovered."""
    epoch: int
    faults: int
    news: Sequence[str]
    """What happened last, oldest first."""
