"""The first user of a loop: each loop begins at another place, so that nobody is always first, nor always last.

The starts are the multiples of the golden ratio, which fill the ring more evenly than chance would. Over any run of
loops every user's mean place is nearly the same, whatever their number. That also holds if only every second loop
counts. It costs two integer operations; nothing is shuffled or copied.

A user with two places in such a loop would get updates earlier on average. So each has one: the user's first connection
that follows anything takes part in a flush's first round. The others follow after everybody's first, and one of them
takes the place when it is free.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from services.gateway.subscriber import Subscriber

T = TypeVar("T")

STEP: Final = 2_654_435_769
"""2**32 divided by the golden ratio."""
_MASK: Final = (1 << 32) - 1


class Rotation:
    """Where the next loop begins."""

    __slots__ = ("_turned",)

    def __init__(self) -> None:
        self._turned = 0

    def start(self, size: int) -> int:
        """Return the place, from 0 and below `size`, at which a loop over so many begins; 0 if there are none."""
        self._turned = (self._turned + STEP) & _MASK
        return self._turned * size >> 32

    def order(self, each: Collection[T]) -> list[T]:
        """Return all of these, beginning somewhere and going round; O(n), for loops that are rare or short."""
        if len(each) < 2:
            return list(each)
        start = self.start(len(each))
        return list(chain(islice(each, start, None), islice(each, start)))


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
