"""Queries of records: one table, filtered, a page at a time in the order of the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, Table, func, select, true, tuple_

from services.ledger import schema
from services.ledger.queries.lineage import Lineage
from services.ledger.queries.member import Shape
from services.ledger.queries.page_cursor import Key
from services.ledger.queries.parameter import Parameter
from services.ledger.queries.place_search import EVERYWHERE, PlaceBounds
from services.ledger.queries.viewer import READERS_OF_ALL, Viewer, visible

Filter = Callable[[Any, Any], ColumnElement[bool]]
"""Of an alias's columns, and the parameter's value."""
PLACE_KEY: Final = ("history", "position", "ordinal")


class KeyPart(NamedTuple):
    """A column of a page's key."""

    name: str
    kind: type = int
    is_length: bool = False
    """Whether the column's length counts, not its text."""

    def of(self, rows: FromClause, collation: str) -> ColumnElement[Any]:
        """Return what is ordered."""
        if self.is_length:
            return func.length(rows.c[self.name])
        return rows.c[self.name].collate(collation) if self.kind is str and collation else rows.c[self.name]

    def read(self, row: Mapping[str, Any]) -> int | str:
        """Return the same of a row."""
        return len(row[self.name]) if self.is_length else row[self.name]


RECORD_KEY: Final = tuple(KeyPart(name) for name in PLACE_KEY)


class RecordQuery(NamedTuple):
    """One of them."""

    path: str
    summary: str
    table: Table
    shape: Shape
    parameters: tuple[Parameter, ...]
    filters: Mapping[str, Filter]
    """By the parameter's name; those of time and pages are not among them."""
    readers: frozenset[str] | None = None
    """Roles that may ask; None: everybody."""
    key: tuple[KeyPart, ...] = RECORD_KEY
    is_record: bool = True
    """Whether its rows belong to histories."""
    computed: Callable[[FromClause, Viewer], Mapping[str, ColumnElement[Any]]] = lambda _rows, _viewer: {}
    """What a row holds beside the table's columns, or instead of them."""


class Asked(NamedTuple):
    """A query with its parameters, and who asks."""

    viewer: Viewer
    lineage: Lineage
    values: Mapping[str, Any]
    bounds: PlaceBounds = EVERYWHERE
    """Where the rows of its times are."""
    collation: str = ""
    """Under which texts are ordered as bytes: PostgreSQL's "C", SQLite's own."""

    def reach(self, after: Key | None) -> Lineage:
        """Return the part of the lineage in which rows behind a key can be; the key begins with a place."""
        found = self.bounds.of(self.lineage)
        if after is None:
            return found
        place = int(after[0]), int(after[1])
        return found.between(None, place) if self.is_descending else found.between(place, None)

    @property
    def is_descending(self) -> bool:
        """Whether the newest rows come first."""
        return bool(self.values.get("order") == "desc")


OFFICE: Final = READERS_OF_ALL


def equals(column: str) -> Filter:
    """Return the filter of one column's value."""
    return lambda columns, value: columns[column] == value


def either(*names: str) -> Filter:
    """Return the filter of a value that one of several columns has."""

    def clause(columns: Any, value: Any) -> ColumnElement[bool]:
        first, *others = (columns[name] == value for name in names)
        for other in others:
            first |= other
        return first  # type: ignore[no-any-return]

    return clause


def packet_time(rows: FromClause) -> ColumnElement[int]:
    """Return the time of a record that has none of its own: its packet's."""
    packet = schema.packet.alias()
    # A new leader's marker repeats a position, with the time of the packet before it.
    found = select(func.max(packet.c.time)).where(
        packet.c.history == rows.c.history, packet.c.position == rows.c.position
    )
    return found.scalar_subquery()


def record_statement(query: RecordQuery, asked: Asked, after: Key | None) -> Select[Any]:
    """
    Return the SELECT of all rows behind a key, in order; whoever runs it says how many.

    Args:
        query: Which.
        asked: By whom, with which parameters.
        after: Key of the last row before; None: from the beginning.
    """
    rows = query.table.alias("rows")
    time = _time_of(rows)
    return (
        select(*selected(query, rows, asked.viewer))
        .where(
            visible(query.table, asked.viewer, rows.c),
            history_clause(query, asked, rows, after),
            *filter_clauses(query.filters, asked, rows.c),
            *time_clauses(time, asked.values),
            behind(key_columns(query.key, rows, asked.collation), after, descending=asked.is_descending),
        )
        .order_by(*ordering(key_columns(query.key, rows, asked.collation), descending=asked.is_descending))
    )


def selected(query: RecordQuery, rows: FromClause, viewer: Viewer) -> list[ColumnElement[Any]]:
    """Return the columns of a row."""
    computed = query.computed(rows, viewer)
    columns = [column for column in rows.c if column.name not in computed]
    return [*columns, *(column.label(name) for name, column in computed.items())]


def history_clause(query: RecordQuery, asked: Asked, rows: FromClause, after: Key | None) -> ColumnElement[bool]:
    """Return the WHERE of what holds today, unless all that ever stood is asked for."""
    if not query.is_record or asked.values.get("orphaned"):
        return true()
    return asked.reach(after).current(rows.c)


def filter_clauses(filters: Mapping[str, Filter], asked: Asked, columns: Any) -> list[ColumnElement[bool]]:
    """Return the WHERE of the parameters that were given."""
    return [clause(columns, asked.values[name]) for name, clause in filters.items() if name in asked.values]


def time_clauses(time: ColumnElement[int], values: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the WHERE of from <= time < to."""
    found = [time >= values["from"]] if "from" in values else []
    return [*found, time < values["to"]] if "to" in values else found


def key_columns(key: Sequence[KeyPart], rows: FromClause, collation: str) -> list[ColumnElement[Any]]:
    """Return the columns of a key, as they are ordered."""
    return [part.of(rows, collation) for part in key]


def behind(columns: Sequence[ColumnElement[Any]], after: Key | None, *, descending: bool) -> ColumnElement[bool]:
    """Return the WHERE of rows behind a key, in the order of the page."""
    if after is None:
        return true()
    key = tuple_(*after, types=[column.type for column in columns])
    return tuple_(*columns) < key if descending else tuple_(*columns) > key


def ordering(columns: Sequence[ColumnElement[Any]], *, descending: bool) -> list[ColumnElement[Any]]:
    """Return the ORDER BY."""
    return [column.desc() if descending else column.asc() for column in columns]


def _time_of(rows: FromClause) -> ColumnElement[int]:
    if "time" in rows.c:
        return rows.c.time
    return packet_time(rows)  # WHERE does not know what SELECT computes
