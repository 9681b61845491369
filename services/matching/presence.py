"""Users whose absence is timed, and when they were last present: the memory behind cancel-on-disconnect.

Owns market time, counted in ticks of the command log, and the users whose absence is timed. The time is no clock's. It
stands still while nobody leads or the store is away, so an outage makes nobody absent. Leaves to the engine which users
are timed, and what happens to their orders. Invariant: the user who was seen last is last.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from services.matching.accounts.account import UserAccount


class Presence:
    """
    When each timed user was last seen.

    Args:
        ticks: Ticks so far.
        seen: User and the tick at which they were last seen, the one unseen longest first.
    """

    __slots__ = ("_seen", "ticks")

    def __init__(self, ticks: int = 0, seen: Iterable[tuple[str, int]] = ()) -> None:
        self.ticks = ticks
        """Ticks so far; about one a second of the market's life."""
        self._seen = OrderedDict(seen)

    def rows(self) -> list[tuple[str, int]]:
        """Return (user, tick last seen), the one unseen longest first; what the constructor takes."""
        return list(self._seen.items())

    def see(self, user: str) -> None:
        """Note that a user is there; from now on their absence is timed. O(1)."""
        self._seen[user] = self.ticks
        self._seen.move_to_end(user)

    def note(self, users: Iterable[str], accounts: Mapping[str, UserAccount]) -> None:
        """Note that users are there; of those whose absence is not timed, and is not to be, nothing. O(users)."""
        for user in users:
            account = accounts.get(user)
            if account is not None and (account.cancel_on_disconnect or user in self._seen):
                self.see(user)

    def forget(self, user: str) -> None:
        """Time a user's absence no longer; others are ignored. O(1)."""
        self._seen.pop(user, None)

    def take_absent(self, ticks_max: int) -> str | None:
        """
        Return the user who has been absent longest, if for more than so many ticks, and time them no longer.

        None if nobody has. O(1), however many are timed.
        """
        user = next(iter(self._seen), None)
        if user is None or self.ticks - self._seen[user] <= ticks_max:
            return None
        del self._seen[user]
        return user
