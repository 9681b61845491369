"""The books that each user follows: users spread evenly over gateways and books.

Pure and the same in every process, so that the supervisor can say what each process shall do and later knows what to
expect of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from outcry.load.even_choice import in_turns, part
from outcry.load.mix import DEFAULT_MIX, Mix, PlannedSubscription

BOOKS_PROVEN_MAX: Final = 10
"""Books that one user asks for once more at the end; users with more share them out."""


class UserPlan(NamedTuple):
    """One user's part."""

    number: int
    """From 0."""
    name: str
    gateway: int
    """Index of the first gateway to connect to."""
    instruments: tuple[str, ...]
    """The instruments whose books are followed."""
    verifies: bool
    depth: int = 0
    """Levels a side of these books; 0 is all."""
    is_slow: bool = False
    """Never reads, once it has been in sync."""
    subscriptions: tuple[PlannedSubscription, ...] = ()
    """What is asked for on every connection."""

    @property
    def proven(self) -> tuple[str, ...]:
        """The books that are asked for at the end: all, or neighbours that begin elsewhere for each user."""
        count = len(self.instruments)
        places = range(self.number, self.number + min(count, BOOKS_PROVEN_MAX))
        return tuple(self.instruments[place % count] for place in places)

    @classmethod
    def read(cls, row: Sequence[Any]) -> UserPlan:
        """Return a plan that has been through JSON."""
        plan = cls(*row)
        return plan._replace(
            instruments=tuple(plan.instruments),
            subscriptions=tuple(_read_subscription(each) for each in plan.subscriptions),
        )


def plan_users(
    users: int,
    gateways: int,
    instruments: Sequence[str],
    verify_percent: float,
    mix: Mix = DEFAULT_MIX,
    slow_percent: float = 0.0,
    *,
    first_shows_trades: bool = False,
) -> list[UserPlan]:
    """
    Plan all users.

    Args:
        users: How many.
        gateways: How many.
        instruments: The listing, in order.
        verify_percent: Share of users that keep whole books, 0 to 100, spread evenly; the first is always among them
            unless it is 0.
        mix: What they follow.
        slow_percent: Share of users that do not read, 0 to 100, spread evenly; they verify nothing.
        first_shows_trades: Let the first user follow the trades of its books too, for a view of the market.

    Raises:
        ConfigurationError: If the mix does not fit the listing.
    """
    turns = in_turns(users)
    slow = set(turns[users - part(users, slow_percent) :])
    verifying = set(turns[: part(users, verify_percent)]) - slow
    plans = [
        _plan(number, number % gateways, instruments, mix)._replace(
            verifies=number in verifying, is_slow=number in slow
        )
        for number in range(users)
    ]
    if first_shows_trades:
        trades = PlannedSubscription("trades", plans[0].instruments)
        plans[0] = plans[0]._replace(subscriptions=(*plans[0].subscriptions, trades))
    return plans


def shares(plans: Sequence[UserPlan], processes: int) -> list[list[UserPlan]]:
    """Deal users out to processes, each gateway's evenly."""
    dealt: list[list[UserPlan]] = [[] for _ in range(processes)]
    by_gateway = sorted(plans, key=lambda plan: (plan.gateway, plan.number))
    for place, plan in enumerate(by_gateway):
        dealt[place % processes].append(plan)
    return dealt


def _plan(number: int, gateway: int, instruments: Sequence[str], mix: Mix) -> UserPlan:
    subscriptions = mix.subscriptions(number, instruments)
    books = [subscription for subscription in subscriptions if subscription.channel == "book"]
    followed = tuple(dict.fromkeys(_names(books, instruments)))
    depth = books[0].depth if books else 0
    return UserPlan(
        number, f"user-{number:05}", gateway, followed, verifies=False, depth=depth, subscriptions=subscriptions
    )


def _names(books: Iterable[PlannedSubscription], instruments: Sequence[str]) -> Iterable[str]:
    for subscription in books:
        yield from instruments if EVERY_INSTRUMENT in subscription.instruments else subscription.instruments


def _read_subscription(row: Sequence[Any]) -> PlannedSubscription:
    channel, instruments, depth, interval_ms = row
    return PlannedSubscription(channel, tuple(instruments), depth, interval_ms)
