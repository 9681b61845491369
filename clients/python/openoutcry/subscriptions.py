"""The owner's subscriptions, and the state of each on the present connection.

Owns the grouping of subscriptions into few requests. A reconnect with hundreds of books needs that: the server limits
requests a second, and bytes a request.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final

INSTRUMENTS_PER_REQUEST_MAX: Final = 100
"""With 100 names of 24 letters, each with a position to resume from, a JSON request has 11 of its 16 KiB."""
ACCOUNT: Final = ("account", "*")
"""Key of the one subscription that is of no instrument."""


class Standing(enum.Enum):
    """How far a wish has come."""

    WANTED = enum.auto()
    ASKED = enum.auto()
    ACTIVE = enum.auto()


@dataclass(slots=True)
class Subscription:
    """One channel of one instrument."""

    channel: str
    instrument: str
    depth: int = 0
    interval_ms: int = 0
    standing: Standing = Standing.WANTED
    is_alone: bool = False
    """Asked in a request of its own, after one with others was refused: which of them was to blame is not said."""

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by."""
        return self.channel, self.instrument


class Subscriptions:
    """All wishes of one session."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Subscription] = {}

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._by_key

    def is_active(self, key: tuple[str, str]) -> bool:
        """Tell whether the server has accepted it on the present connection."""
        return key in self._by_key and self._by_key[key].standing is Standing.ACTIVE

    def add(self, subscription: Subscription) -> None:
        """Wish for something, in place of an earlier wish for the same channel and instrument."""
        self._by_key[subscription.key] = subscription

    def remove(self, key: tuple[str, str]) -> Subscription | None:
        """Wish for it no longer; return the wish, None if there was none."""
        return self._by_key.pop(key, None)

    def set_standing(self, keys: list[tuple[str, str]], standing: Standing) -> None:
        """Note how far these have come; those no longer wished for are ignored."""
        for key in keys:
            if key in self._by_key:
                self._by_key[key].standing = standing

    def separate(self, keys: list[tuple[str, str]]) -> None:
        """Have each of these asked again, in a request of its own."""
        for key in keys:
            if key in self._by_key:
                self._by_key[key].is_alone = True
        self.set_standing(keys, Standing.WANTED)

    def reset(self) -> None:
        """Begin anew, on a new connection."""
        for subscription in self._by_key.values():
            subscription.standing = Standing.WANTED
            subscription.is_alone = False

    def take_wanted(self) -> list[list[Subscription]]:
        """Return what has not been asked, in groups for one request each, and count it as asked."""
        groups: dict[Any, list[Subscription]] = {}
        for subscription in self._by_key.values():
            if subscription.standing is Standing.WANTED:
                subscription.standing = Standing.ASKED
                alone = subscription.instrument if subscription.is_alone else None
                shape = subscription.channel, subscription.depth, subscription.interval_ms, alone
                groups.setdefault(shape, []).append(subscription)
        size = INSTRUMENTS_PER_REQUEST_MAX
        return [group[at : at + size] for group in groups.values() for at in range(0, len(group), size)]
