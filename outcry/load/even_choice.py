"""Choosing users evenly, so that no choice falls on one gateway, one process or one kind of user alone.

Taking every twentieth user would take all of them from one of two gateways. Multiples of an irrational number, taken
modulo 1, fall evenly wherever one stops, and in step with no counting. Two choices that must not go together use two
such numbers; the powers of 1/plastic number fall evenly together. Source: Martin Roberts, "The Unreasonable
Effectiveness of Quasirandom Sequences", 2018.
"""

from __future__ import annotations

import math
from typing import Final

FOR_PICKS: Final = 0.7548776662466927
"""1/plastic number."""
FOR_MIX: Final = 0.5698402909980532
"""Its square."""


def point(number: int, step: float) -> float:
    """Return a user's place on a circle of length 1; user 0 is at 0."""
    return (number * step) % 1.0


def in_turns(users: int) -> list[int]:
    """Return all users in an order of which every beginning is spread evenly; user 0 is the first."""
    return sorted(range(users), key=lambda number: point(number, FOR_PICKS))


def part(users: int, percent: float) -> int:
    """Return how many users a percentage is, rounded up."""
    return math.ceil(round(users * percent / 100, 6))
