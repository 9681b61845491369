"""From times to places: where in the record a time begins, found by halving.

No record has an index by time. But time never falls within the lineage, and every packet has the time of its last
command. So a time is found by some twenty looks at packets, and a query of a day reads that day, whatever the record's
length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, false, select, true, tuple_

from services.ledger import schema
from services.ledger.queries.lineage import Branch, Lineage, Place

PacketTime = tuple[int, int]
"""A packet's position, and the time of its last command, µs."""
Look = Callable[[Branch, int], PacketTime | None]
"""Returns a branch's first packet at or above a position."""


class PlaceBounds(NamedTuple):
    """Places between which all rows of some times are; others may be there too."""

    first: Place | None = None
    """None: from the beginning."""
    last: Place | None = None
    """Included; None: up to the end."""
    is_empty: bool = False
    """Whether there are no such rows."""

    def clause(self, columns: Any) -> ColumnElement[bool]:
        """Return the WHERE: with `history` and `position` among the columns."""
        if self.is_empty:
            return false()
        place = tuple_(columns.history, columns.position)
        types = [columns.history.type, columns.position.type]
        first = true() if self.first is None else place >= tuple_(*self.first, types=types)
        return and_(first, true() if self.last is None else place <= tuple_(*self.last, types=types))


EVERYWHERE: Final = PlaceBounds()


def bounds_of(start: int | None, end: int | None, lineage: Lineage, end_position: int, look: Look) -> PlaceBounds:
    """
    Return where rows of [start, end) are.

    Args:
        start: µs; None: from the beginning.
        end: Likewise.
        lineage: Whose rows.
        end_position: Of the place of the ledger.
        look: Looks at packets.
    """
    first = None if start is None else first_place(start, lineage, end_position, look)
    if start is not None and first is None:
        return PlaceBounds(is_empty=True)
    # The packet in which the end lies may have rows before it.
    return PlaceBounds(first, None if end is None else first_place(end, lineage, end_position, look))


def first_place(time: int, lineage: Lineage, end_position: int, look: Look) -> Place | None:
    """Return the first packet whose last command is not before a time; None: there is none."""
    for branch in lineage.branches:
        low, high = 0, end_position if branch.until is None else branch.until
        while low < high:
            middle = (low + high) // 2
            found = look(branch, middle)
            if found is None or found[1] >= time:
                high = middle
            else:
                low = found[0] + 1
        found = look(branch, low)
        if found is not None and found[1] >= time:
            return branch.number, found[0]
    return None


def look_statement(branch: Branch, position: int) -> Select[Any]:
    """Return the SELECT of a branch's first packet at or above a position."""
    packet = schema.packet
    clauses = [packet.c.history == branch.number, packet.c.position >= position]
    if branch.until is not None:
        clauses.append(packet.c.position <= branch.until)
    order = (packet.c.position, packet.c.term)
    return select(packet.c.position, packet.c.time).where(*clauses).order_by(*order).limit(1)
