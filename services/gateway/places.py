"""Which connections of users take part in a flush's first round: one of each user.

Each flush begins at another place (`services.gateway.rotation`), so a user with two places would get updates earlier on
average. The user's first connection that follows anything has the user's place. The others follow after everybody's
first, and one of them takes the place when it is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.gateway.subscriber import Subscriber


class Places:
    """Places by user; a user without a name has one for each connection."""

    __slots__ = ("_first", "_further")

    def __init__(self) -> None:
        self._first: dict[str, Subscriber] = {}
        self._further: dict[str, dict[Subscriber, None]] = {}

    def take(self, subscriber: Subscriber) -> None:
        """Give a connection its user's place if it is free; asking again changes nothing."""
        first = self._first.setdefault(subscriber.user, subscriber) if subscriber.user else subscriber
        subscriber.is_further = first is not subscriber
        if subscriber.is_further:
            self._further.setdefault(subscriber.user, {})[subscriber] = None

    def leave(self, subscriber: Subscriber) -> Subscriber | None:
        """Take a connection out; returns who has got the place by that, if anybody: the one that waited longest."""
        user = subscriber.user
        waiting = self._further.get(user, {})
        waiting.pop(subscriber, None)
        heir = None
        if self._first.get(user) is subscriber:
            del self._first[user]
            heir = next(iter(waiting), None)
            if heir is not None:
                del waiting[heir]
                self._first[user] = heir
        if not waiting:
            self._further.pop(user, None)
        return heir
