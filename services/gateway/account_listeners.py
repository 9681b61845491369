"""Who hears of which user's account."""

from __future__ import annotations

from services.gateway.subscriber import Subscriber


class AccountListeners:
    """Connections that get a user's private state and executions, by user."""

    __slots__ = ("_by_user",)

    def __init__(self) -> None:
        self._by_user: dict[str, dict[Subscriber, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_user.values()))

    def __contains__(self, user: str) -> bool:
        return user in self._by_user

    def users(self) -> list[str]:
        """Return all users of whom somebody hears."""
        return list(self._by_user)

    def of(self, user: str) -> list[Subscriber]:
        """Return who hears of a user; a list of its own, since a write to one may remove others."""
        return list(self._by_user.get(user, ()))

    def add(self, subscriber: Subscriber) -> None:
        """Have one hear of its user."""
        subscriber.hears_account = True
        self._by_user.setdefault(subscriber.user, {})[subscriber] = None

    def discard(self, subscriber: Subscriber) -> bool:
        """Have one hear no more; False if it did not."""
        heard, subscriber.hears_account = subscriber.hears_account, False
        listeners = self._by_user.get(subscriber.user, {})
        listeners.pop(subscriber, None)
        if not listeners:
            self._by_user.pop(subscriber.user, None)
        return heard
