"""What the record says of itself: whose it is, which histories it has, and how far it goes.

Rows above the end of a history count for nobody, and nothing above the place is looked at. So whoever could change
these few values could hide anything: each follows from others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from outcry.time_machine.difference import Difference, shown
from outcry.time_machine.record import GapRow, Record, RecordedHistory
from services.ledger.fork import WriterPlace
from services.ledger.schema import SCHEMA_VERSION

_FIRST: Final = 1


def frame_findings(record: Record, place: WriterPlace, newest_block: int) -> Iterator[Difference]:
    """
    Yield what is wrong; O(histories).

    Args:
        record: The ledger's.
        place: As it was read.
        newest_block: Read before the place: the two are written together, so the place is not below it.
    """
    facts = record.facts()
    for name, wanted in (("schema_version", str(SCHEMA_VERSION)), ("shard", str(place.shard))):
        if facts.get(name) != wanted:
            found = facts.get(name, "no row")
            yield Difference(place.history, place.position, "ledger_info", name, "value", found, wanted)
    if place.block < newest_block:
        yield _of_place(place, "block", place.block, newest_block)
    last = next(iter(record.sealed(place.block - 1, place.block)), None) if place.block else None
    if last is not None and last.history == place.history and last.last_position > place.position:
        yield _of_place(place, "position", place.position, last.last_position)
    yield from _of_histories(record, place)


def _of_place(place: WriterPlace, field: str, recorded: int, wanted: int) -> Difference:
    return Difference(place.history, place.position, "place", "", field, shown(recorded), f"at least {wanted:,}")


def _of_histories(record: Record, place: WriterPlace) -> Iterator[Difference]:
    histories = record.histories()
    wanted = followed(histories, record.gaps())
    for number, row in enumerate(histories, _FIRST):
        parent, until = wanted[row.number]
        first = next(iter(record.packets(row.number, -1, None)), None)
        told = (
            ("number", row.number, number),
            ("shard", row.shard, place.shard),
            ("parent", row.parent, parent),
            ("until_position", row.until_position, until),
            ("from_position", row.from_position, row.from_position if first is None else first.prev),
        )
        for field, recorded, found in told:
            if recorded != found:
                yield Difference(row.number, row.from_position, "history", "", field, shown(recorded), shown(found))


def followed(
    histories: Sequence[RecordedHistory], gaps: Sequence[GapRow]
) -> Mapping[int, tuple[int | None, int | None]]:
    """
    Return of each history which one it goes on from, and where the last one left it; see `services.ledger.fork`.

    Args:
        histories: By number; what they say of either is not asked.
        gaps: One that begins behind a gap leaves no other, since nobody knows where.
    """
    jumps = {(gap.history, gap.until_position) for gap in gaps}
    parents: dict[int, int | None] = {}
    ends: dict[int, int | None] = {}
    begins: dict[int, int] = {}
    newest: int | None = None
    for row in histories:
        at = row.from_position
        parents[row.number] = newest if (row.number, at) in jumps else None
        ancestor = None if (row.number, at) in jumps else newest
        while ancestor is not None:
            end = ends[ancestor]
            if end is None or end > at:
                ends[ancestor] = at
            if begins[ancestor] <= at:
                parents[row.number] = ancestor
                break
            ancestor = parents[ancestor]
        ends[row.number], begins[row.number] = None, at
        newest = row.number
    return {number: (parents[number], ends[number]) for number in parents}
