"""How far the ledger is, which of its records are current, and where it lacks some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, true

from services.ledger.queries.iso_time import time_text

Place = tuple[int, int]
"""A history's number, and a position in it."""


class Branch(NamedTuple):
    """A history, as far as it is a part of what holds today."""

    number: int
    until: int | None
    """Records above it are orphaned; None: none are."""
    since: int | None = None
    """Records below it are not asked for; None: all are."""

    def clause(self, columns: Any) -> ColumnElement[bool]:
        """Return the WHERE of its records; each bound of its own, since so every database finds them by the key."""
        found = [columns.history == self.number]
        found += [] if self.since is None else [columns.position >= self.since]
        return and_(*found, true() if self.until is None else columns.position <= self.until)


class Gap(NamedTuple):
    """Packets that nobody has any more."""

    history: int
    above: int
    """Position of the last packet before it."""
    up_to: int
    why: str
    after_time: int
    """Of the last command before it, µs; 0: there is none."""
    before_time: int | None
    """Of the first one behind it; None: there is none yet."""


class AsOf(NamedTuple):
    """How far the answers go."""

    history: int
    epoch: int
    position: int
    time: int
    block: int
    chain: bytes

    @property
    def etag(self) -> str:
        """The same for the same place: rows at or before it do not change."""
        return f'"{self.epoch}-{self.position}"'

    def body(self) -> dict[str, Any]:
        """Return what every answer holds."""
        return {"epoch": self.epoch, "position": self.position, "time": time_text(self.time)}


class Lineage(NamedTuple):
    """The histories that lead to today's, and the gaps in them."""

    branches: tuple[Branch, ...]
    gaps: tuple[Gap, ...] = ()

    def is_current(self, history: int, position: int) -> bool:
        """Tell whether a record is a part of what holds today."""
        return any(
            branch.number == history and (branch.until is None or position <= branch.until) for branch in self.branches
        )

    def current(self, columns: Any) -> ColumnElement[bool]:
        """Return the WHERE of records that are: with `history` and `position` among the columns."""
        if not self.branches:
            return false()
        return or_(*(branch.clause(columns) for branch in self.branches))

    def between(self, first: Place | None, last: Place | None) -> Lineage:
        """Return the part that begins with one place and ends with another, both included; None: no end."""
        return self._replace(branches=tuple(filter(None, (_cut(branch, first, last) for branch in self.branches))))

    def lacks_some(
        self, first: Place | None, last: Place | None, start: int | None = None, end: int | None = None
    ) -> bool:
        """
        Tell whether an answer touches a gap.

        Args:
            first: Rows behind this place were looked at; None: from the beginning.
            last: Up to this one; None: up to the end.
            start: And of these only those not before this time, µs.
            end: And before this one.
        """
        return any(_touches(gap, first, last, start, end) for gap in self.gaps)


def _cut(branch: Branch, first: Place | None, last: Place | None) -> Branch | None:
    if first is not None and branch.number <= first[0]:
        if branch.number < first[0]:
            return None
        branch = branch._replace(since=first[1])
    if last is not None and branch.number >= last[0]:
        if branch.number > last[0]:
            return None
        branch = branch._replace(until=last[1] if branch.until is None else min(branch.until, last[1]))
    return branch


def _touches(gap: Gap, first: Place | None, last: Place | None, start: int | None, end: int | None) -> bool:
    if first is not None and (gap.history, gap.up_to) <= first:
        return False
    if last is not None and (gap.history, gap.above) >= last:
        return False
    if start is not None and gap.before_time is not None and gap.before_time < start:
        return False
    return end is None or gap.after_time < end


def lineage_of(branches: Iterable[Branch], gaps: Iterable[Gap]) -> Lineage:
    """Return the lineage, in order; gaps that lie in what is orphaned are left out."""
    found = Lineage(tuple(sorted(branches)))
    return found._replace(gaps=tuple(gap for gap in gaps if found.is_current(gap.history, gap.above + 1)))
