"""Who hears a user's private messages: the account, then every execution and transfer in the order of their numbers.

Private messages go out at once, before the flush for all, in one frame a user's connection. A listener that lags gets
the account when it has drained. Every loop over users begins at another place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from openoutcry.wire.messages import Message
from services.gateway.replica import MarketReplica
from services.gateway.rotation import Rotation
from services.gateway.subscriber import Subscriber
from shared.logs.events import PrivateExecution, PrivateTransfer


class Sending(Protocol):
    """Sends messages to one subscriber, in one frame."""

    def __call__(self, subscriber: Subscriber, messages: Sequence[Message], /) -> None:
        """Send them now, lagging or not."""


class AccountListeners:
    """
    The followers of the channel `account`, by user.

    Args:
        market: Knows the accounts.
        send: Sends what happened.
        send_owed: Sends state that was asked for.
        rotation: Of the loops over users.
    """

    def __init__(self, market: MarketReplica, send: Sending, send_owed: Sending, rotation: Rotation) -> None:
        self._market = market
        self._send = send
        self._send_owed = send_owed
        self._rotation = rotation
        self._by_user: dict[str, dict[Subscriber, None]] = {}

    def __len__(self) -> int:
        """Return how many there are; O(users)."""
        return sum(map(len, self._by_user.values()))

    def users(self) -> Iterable[str]:
        """Return whose private messages anybody hears."""
        return self._by_user

    def add(self, subscriber: Subscriber) -> None:
        """Send the account, and from now on every execution and transfer."""
        subscriber.hears_account = True
        self._by_user.setdefault(subscriber.user, {})[subscriber] = None
        if not subscriber.is_lagging:  # else it gets the account when it has drained
            self.bring_in_sync(subscriber)

    def remove(self, subscriber: Subscriber) -> bool:
        """Send no more; False if nothing was sent."""
        heard, subscriber.hears_account = subscriber.hears_account, False
        listeners = self._by_user.get(subscriber.user, {})
        listeners.pop(subscriber, None)
        if not listeners:
            self._by_user.pop(subscriber.user, None)
        return heard

    def bring_in_sync(self, subscriber: Subscriber) -> None:
        """Send a listener the account as it stands."""
        self._send_owed(subscriber, [self._market.account(subscriber.user)])

    def renew(self, users: Iterable[str]) -> None:
        """Send these users' listeners their account: what changed it was jumped over, or has no message of its own."""
        for user in self._rotation.order(dict.fromkeys(users)):  # a copy: a write may remove the last listener
            for subscriber in list(self._by_user.get(user, ())):
                if not subscriber.is_lagging:
                    self.bring_in_sync(subscriber)

    def pass_on(self, happened: Sequence[PrivateExecution | PrivateTransfer]) -> None:
        """Send each user what happened, in order."""
        if not happened:
            return
        by_user: dict[str, list[Message]] = {}
        for user, message in happened:
            if user in self._by_user:
                by_user.setdefault(user, []).append(message)
        for user in self._rotation.order(by_user):
            for subscriber in list(self._by_user.get(user, ())):
                if not subscriber.is_lagging:
                    self._send(subscriber, by_user[user])
