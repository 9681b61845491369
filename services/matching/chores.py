"""Work that is more than one command may do, and before whose end nothing may trade.

Owns its order and its bound. A command does so much of it; the next ones go on, before they are applied, and as long as
something is left, whatever could trade is refused (`Floor.is_late`). Time stands still meanwhile: all of it happens at
the moment at which it was begun. Leaves to others what is done. A checkpoint between two parts holds what is left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

WORK_MAX: Final = 20_000
"""What one command does of it, and of the timers that are due, in units of about a µs; the last part may go beyond."""


class Chore(NamedTuple):
    """One, as far as it has been done."""

    kind: str
    about: tuple[Any, ...]
    """What is to be done: strings, numbers, and tuples of them."""
    done: int = 0
    """How far it is done; what it counts is the kind's own."""


Do: TypeAlias = Callable[[Chore], Chore | None]
"""Does a part of a chore, as long as `Chores.left` is above 0, and lowers that. Returns what is left, or None."""


class Chores:
    """All chores of a shard."""

    __slots__ = ("_is_at_work", "_position", "does", "left", "share", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Chore] = deque()
        """The first one is done first, and whole, before the next."""
        self.does: dict[str, Do] = {}
        """By kind; set by the parts that have such chores."""
        self.share = WORK_MAX
        """What each command may do."""
        self.left = 0
        """What the present command may still do."""
        self._position = -1
        self._is_at_work = False

    def begin(self, chore: Chore, position: int) -> None:
        """Begin a chore, and do of it what may be done at once. One that is begun by another comes after it."""
        self.waiting.append(chore)
        if not self._is_at_work:
            self.go_on(position)

    def go_on(self, position: int) -> None:
        """Do what the command of this position may still do."""
        self.renew(position)
        self._is_at_work = True
        while self.waiting and self.left > 0:
            rest = self.does[self.waiting[0].kind](self.waiting[0])
            if rest is None:
                self.waiting.popleft()
            else:
                self.waiting[0] = rest
        self._is_at_work = False

    def renew(self, position: int) -> None:
        """Let a command have its share, once."""
        if position != self._position:
            self._position, self.left = position, self.share

    def rows(self) -> list[Chore]:
        """Return what `take` takes."""
        return list(self.waiting)

    def take(self, rows: Iterable[Any]) -> None:
        """Take what was stored."""
        self.waiting = deque([Chore(kind, _tuples(about), done) for kind, about, done in rows])


def _tuples(value: Any) -> Any:
    return tuple([_tuples(each) for each in value]) if isinstance(value, list | tuple) else value
