"""From times to places: where in the record a time begins, found by halving.

No record has an index by time. But time never falls within the lineage, and every packet has the time of its last
command. So a time is found by some twenty looks at packets, and a query of a day reads that day, whatever the record's
length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, bindparam, select

from services.ledger import schema
from services.ledger.queries.lineage import Branch, Lineage, Place

POSITION_MAX: Final = 2**63 - 1
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

    def of(self, lineage: Lineage) -> Lineage:
        """Return the part of a lineage that lies between them."""
        return lineage._replace(branches=()) if self.is_empty else lineage.between(self.first, self.last)


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


def _look_statement() -> Select[Any]:
    packet = schema.packet
    position = packet.c.position
    return (
        select(position, packet.c.time)
        .where(packet.c.history == bindparam("number"), position >= bindparam("above"), position <= bindparam("until"))
        .order_by(position, packet.c.term)
        .limit(1)
    )


LOOK: Final = _look_statement()
"""The SELECT of a branch's first packet at or above a position; made once: making it takes longer than the look."""


def look_values(branch: Branch, position: int) -> dict[str, int]:
    """Return the parameters of `LOOK`."""
    return {"number": branch.number, "above": position, "until": POSITION_MAX if branch.until is None else branch.until}
