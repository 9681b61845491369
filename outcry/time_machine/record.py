"""The ledger's record as the time machine reads it: rows, and the questions that are asked of them.

Owns the interface between what is computed and where it is stored, and the record's *line*: the histories that lead to
the place, each up to where the next one left it. What lies beyond is orphaned and never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from outcry.time_machine.difference import Difference, shown
from outcry.time_machine.unrecorded import DamagedRecord
from services.ledger.fork import WriterPlace


class RecordedHistory(NamedTuple):
    """One epoch, as the ledger numbers it."""

    number: int
    epoch: int
    parent: int | None
    from_position: int
    until_position: int | None
    shard: int


class Stretch(NamedTuple):
    """A part of the record's line: one history, between two positions."""

    history: int
    epoch: int
    after: int
    """Its commands are above this position."""
    until: int | None
    """Up to this one; None: it goes on."""


class MarkRow(NamedTuple):
    """A stored checkpoint, without its bytes."""

    history: int
    position: int
    log_id: str
    time: int
    engine_version: int


class PacketRow(NamedTuple):
    """One packet, without its content."""

    position: int
    term: int
    prev: int
    log_id: str
    time: int
    published: int
    commands: int
    sha256: bytes


class BlockRow(NamedTuple):
    """What one transaction wrote: its commands, and what proves them; the columns of table `block`."""

    history: int
    first_position: int
    number: int
    last_position: int
    first_ms: int
    first_n: int
    last_ms: int
    last_n: int
    encoding: str
    data: bytes
    time: int
    leaves: int
    executions: int
    transfers: int
    salt_id: str
    pieces: bytes
    root: bytes
    data_sha256: bytes
    packets_sha256: bytes
    chain: bytes
    tree_nodes: bytes
    tree_root: bytes
    key_id: str
    signature: bytes


class GapRow(NamedTuple):
    """Positions of which the record has neither rows nor commands, or had none."""

    history: int
    from_position: int
    until_position: int
    why: str
    time: int
    filled: bool


class Record(Protocol):
    """What is asked of a ledger. Whatever comes in rows comes in order, and a bounded number at a time."""

    def newest_block(self) -> int:
        """Return the number of the newest block; 0: there is none."""

    def place(self) -> WriterPlace | None:
        """Return how far it is; None if nothing was ever written."""

    def histories(self) -> Sequence[RecordedHistory]:
        """Return all of them, by number."""

    def gaps(self) -> Sequence[GapRow]:
        """Return all of them, by history and position."""

    def marks(self, history: int, after: int, until: int | None) -> Sequence[MarkRow]:
        """Return the marks at positions `after <= position <= until`, ascending."""

    def mark_before(
        self, history: int, until: int | None, *, position: int | None = None, time: int | None = None
    ) -> MarkRow | None:
        """Return the last mark at or before a position, or a time, and not beyond `until`."""

    def mark_data(self, history: int, position: int) -> bytes:
        """Return a mark's checkpoint."""

    def mark_sha256(self, history: int, position: int) -> bytes:
        """Return what a mark says of its checkpoint's bytes."""

    def blocks(self, history: int, after: int) -> Iterator[BlockRow]:
        """Yield blocks from the one on that holds the first command above a position; the first may begin before."""

    def sealed(self, after: int, until: int) -> Iterator[BlockRow]:
        """Yield the blocks of the numbers `after < number <= until`, whatever their history, ascending."""

    def packets(self, history: int, after: int, until: int | None) -> Iterator[PacketRow]:
        """Yield the packets at `after <= position <= until`, by position and term."""

    def packet_before(
        self, history: int, after: int, until: int | None, *, position: int | None = None, time: int | None = None
    ) -> PacketRow | None:
        """Return the last packet at or before a position, or a time, within `after <= position <= until`."""

    def book_mark(self, history: int, instrument: str, after: int, until: int) -> tuple[int, int, int] | None:
        """Return (position, seq, digest) of a book's last change at `after <= position <= until`."""

    def accounts(self, table: str) -> Sequence[tuple[Any, ...]]:
        """Return all rows of `purse` or `holding`, as they are now."""

    def first_balances(self) -> tuple[int, int] | None:
        """Return history and position of the first close whose balances were kept; earlier releases kept none."""

    def candles(self, instrument: str, first: int, last: int) -> Sequence[tuple[Any, ...]]:
        """Return an instrument's rows of `candle_1m` whose `start` is from the first to the last."""

    def strays(self, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        """Yield (table, history, position) of a row of each table that is of no history from the first to the last."""

    def facts(self) -> dict[str, str]:
        """Return whose tables these are, by name: `product`, `shard`, `schema_version`."""

    def rows(self, table: str, history: int, after: int, until: int) -> Sequence[tuple[Any, ...]]:
        """Return a table's rows at `after < position <= until`, all columns in the order of the schema, by its key."""


def line(histories: Sequence[RecordedHistory], last: int) -> list[Stretch]:
    """
    Return the stretches that lead to a history, the earliest first.

    A history that began below what its parent has leaves it at its own beginning, whatever the parent says.

    Raises:
        DamagedRecord: If a history is not there, or not later than its parent.
    """
    by_number = {row.number: row for row in histories}
    stretches: list[Stretch] = []
    until: int | None = None
    number: int | None = last
    while number is not None:
        row = by_number.get(number)
        if row is None:
            raise DamagedRecord(Difference(last, 0, "history", "", "number", "no row", shown(number)))
        if row.parent is not None and row.parent >= row.number:
            raise DamagedRecord(Difference(number, 0, "history", "", "parent", shown(row.parent), "an earlier one"))
        stretches.append(Stretch(row.number, row.epoch, row.from_position, until))
        number, until = row.parent, row.from_position
    return stretches[::-1]
