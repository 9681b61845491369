"""Who follows what: users spread evenly over gateways and books.

Pure and the same in every process, so that the supervisor can say what each process shall do and later knows what to
expect of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

BOOKS_PER_USER: Final = 3


class UserPlan(NamedTuple):
    """One user's part."""

    number: int
    """From 0."""
    name: str
    gateway: int
    """Index of the first gateway to connect to."""
    instruments: tuple[str, ...]
    verifies: bool


def plan_users(users: int, gateways: int, instruments: Sequence[str], verify_percent: float) -> list[UserPlan]:
    """
    Plan all users.

    Args:
        users: How many.
        gateways: How many.
        instruments: To choose from; each user follows three neighbours of the list, or all if there are fewer.
        verify_percent: Share of users that keep whole books, 0 to 100, spread evenly; the first is always among them
            unless it is 0.
    """
    return [
        UserPlan(
            number=number,
            name=f"user-{number:05}",
            gateway=number % gateways,
            instruments=_books(number, instruments),
            verifies=_is_picked(number, verify_percent),
        )
        for number in range(users)
    ]


def shares(plans: Sequence[UserPlan], processes: int) -> list[list[UserPlan]]:
    """Deal users out to processes, each gateway's evenly."""
    dealt: list[list[UserPlan]] = [[] for _ in range(processes)]
    by_gateway = sorted(plans, key=lambda plan: (plan.gateway, plan.number))
    for place, plan in enumerate(by_gateway):
        dealt[place % processes].append(plan)
    return dealt


def _books(number: int, instruments: Sequence[str]) -> tuple[str, ...]:
    count = min(BOOKS_PER_USER, len(instruments))
    return tuple(instruments[(number + offset) % len(instruments)] for offset in range(count))


def _is_picked(number: int, percent: float) -> bool:
    """Pick every (100/percent)th, the first included."""
    return math.ceil(number * percent / 100) != math.ceil((number + 1) * percent / 100)
