"""What has been seen before, within bounds: the sources of commands and the users' own order ids.

Owns two windows that live in checkpoints, because without them the log could not be read twice. Sources are forgotten
when they are too many, the one silent longest first; order ids by age alone, so that nobody's traffic shortens
another's window. Both change only when a command is applied, never when one is skipped, so reading the log again leaves
them as they are.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from services.matching.accounts.account import UserAccount

SOURCES_MAX: Final = 4096
"""Writers remembered; more than may write between two checkpoints. The one silent longest is forgotten first."""
ORDER_IDS_MAX: Final = 1 << 20
"""Default limit of order ids remembered, over all users: 1,747 orders a second for the whole window, about 200 bytes
each. An id is never forgotten to make room: an order that finds none is refused (`ClientOrderIds.has_room`)."""
WINDOW_S: Final = 600
"""An id is remembered for at least so long, by the log's clock and by the market's ticks too. So neither a clock that
is set forward nor an outage, in which no tick is appended, ends a window early."""
TICKS_ALONE: Final = 2 * WINDOW_S
"""So many ticks are enough, about one a second: the log's clock may have been set back, or stand still behind an id
that lies years ahead."""
FORGOTTEN_PER_TICK_MAX: Final = 2_000
"""Ids that one tick forgets at most, 1 to 4 ms; every order that is accepted forgets two more, so it keeps up."""
FORGOTTEN_PER_ORDER: Final = 2


class Sources:
    """The highest command number applied of each writer."""

    __slots__ = ("_newest", "_number", "_numbers")

    def __init__(self, numbers: Iterable[tuple[str, int]] = ()) -> None:
        self._numbers = OrderedDict(numbers)
        self._newest: str | None = None  # the source of the last command, which is the last of them already
        self._number = 0  # its own: most commands follow one of the same source, and look nothing up

    def rows(self) -> list[tuple[str, int]]:
        """Return (source, number), the one silent longest first; what the constructor takes."""
        if self._newest is not None:
            self._numbers[self._newest] = self._number
        return list(self._numbers.items())

    def advance(self, source: str, number: int) -> bool:
        """Count a command; False if it or a later one of its source has been applied. O(1)."""
        if source == self._newest:
            if number <= self._number:
                return False
            self._number = number
            return True
        return self._change(source, number)

    def _change(self, source: str, number: int) -> bool:
        """Do the same for a command of another source than the last one's."""
        numbers = self._numbers
        if number <= numbers.get(source, 0):
            return False
        if self._newest is not None:
            numbers[self._newest] = self._number
        self._newest, self._number = source, number
        numbers[source] = number
        numbers.move_to_end(source)
        if len(numbers) > SOURCES_MAX:
            numbers.popitem(last=False)
        return True


class OrderIdRows(NamedTuple):
    """The window as a checkpoint holds it: parallel lists, the oldest id first."""

    owners: Sequence[int]
    """Whose each is: a place among the engine's accounts."""
    names: Sequence[str]
    order_ids: Sequence[int]
    marks: Sequence[tuple[int, int, int]]
    """(tick, its time in µs, ids accepted since the mark before); ids behind the last mark are younger."""
    due: int
    """Ids at the beginning, before those of the marks, whose time is over."""


class ClientOrderIds:
    """
    The client order ids of all orders accepted within the window, each with its order.

    The ids themselves stand with their users (`UserAccount.accepted_ids`), so that asking for one is one look-up; here
    is their order of age.
    """

    __slots__ = ("_due", "_marks", "_names", "_owners", "_unmarked", "held")

    def __init__(self) -> None:
        self.held = 0
        """Ids remembered. Read only."""
        # Two lists side by side, and no pair an id: the collector need not look at a million of them.
        self._owners: deque[UserAccount] = deque()
        self._names: deque[str] = deque()
        self._marks: deque[tuple[int, int, int]] = deque()
        self._unmarked = 0
        self._due = 0

    def has_room(self, account: UserAccount, limit: int) -> bool:
        """
        Tell whether one more id of this user may be remembered.

        A user may hold as many ids as are still free. So the limit is never passed, nobody can take all of it, and
        whoever holds few always finds room: of n users who send as fast as they can each gets a part of n + 1.
        """
        return len(account.accepted_ids) < limit - self.held

    def add(self, account: UserAccount, name: str, order_id: int) -> None:
        """Remember the id of an order that has been accepted; it must be new. O(1)."""
        account.accepted_ids[name] = order_id
        self._owners.append(account)
        self._names.append(name)
        self._unmarked += 1
        self.held += 1
        if self._due:
            self._forget(FORGOTTEN_PER_ORDER)

    def tick(self, ticks: int, time_us: int) -> None:
        """
        Let the window move on, and forget ids whose time is over.

        Args:
            ticks: Of the market so far, this one included.
            time_us: The log's time, µs since 1970; it never falls.

        Cost: O(1), and O(1) for each id forgotten, at most FORGOTTEN_PER_TICK_MAX.
        """
        marks = self._marks
        if self._unmarked:
            marks.append((ticks, time_us, self._unmarked))
            self._unmarked = 0
        while marks and _is_over(ticks - marks[0][0], time_us - marks[0][1]):
            self._due += marks.popleft()[2]
        if self._due:
            self._forget(FORGOTTEN_PER_TICK_MAX)

    def rows(self, places: Mapping[str, int]) -> OrderIdRows:
        """Return what `restored` takes, given each user's place among the accounts; O(ids)."""
        owners = [places[account.user] for account in self._owners]
        names = list(self._names)
        order_ids = [account.accepted_ids[name] for account, name in zip(self._owners, names, strict=True)]
        return OrderIdRows(owners, names, order_ids, list(self._marks), self._due)

    @classmethod
    def restored(cls, rows: OrderIdRows, accounts: Sequence[UserAccount]) -> ClientOrderIds:
        """Return the window that gave these rows; the accounts must be new. O(ids)."""
        found = cls()
        for owner, name, order_id in zip(rows.owners, rows.names, rows.order_ids, strict=True):
            found.add(accounts[owner], name, order_id)
        found._marks = deque((tick, time_us, count) for tick, time_us, count in rows.marks)
        found._due = rows.due
        found._unmarked = found.held - rows.due - sum(count for _, _, count in found._marks)
        assert found._unmarked >= 0, "more ids are marked than there are"
        assert found.held == sum(len(account.accepted_ids) for account in accounts), "an id is there twice"
        return found

    def check_invariants(self) -> None:
        """Assert what must always hold; O(ids). For tests."""
        assert self.held == len(self._names) == len(self._owners)
        assert self.held == self._due + self._unmarked + sum(count for _, _, count in self._marks)
        assert len({(account.user, name) for account, name in zip(self._owners, self._names, strict=True)}) == self.held

    def _forget(self, count_max: int) -> None:
        count = min(count_max, self._due)
        self._due -= count
        self.held -= count
        names, owners = self._names, self._owners
        for _ in range(count):
            held = owners.popleft().accepted_ids
            del held[names.popleft()]
            if not held:
                held.clear()  # gives the memory of what it once held back


def _is_over(ticks: int, time_us: int) -> bool:
    """Tell whether so many ticks and so much of the log's time make a window."""
    return ticks >= WINDOW_S and (time_us >= WINDOW_S * 1_000_000 or ticks >= TICKS_ALONE)
