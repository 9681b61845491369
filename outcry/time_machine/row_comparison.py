"""Two lists of one table's rows, and where they differ.

Equal lists, which nearly all are, cost one comparison. Only others are taken apart: rows are found by their key, and of
two rows with one key each field that differs is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Boolean

from outcry.time_machine.difference import Difference, shown
from services.ledger import schema

NO_ROW: Final = "no row"
A_ROW: Final = "a row"

_COLUMNS: Final = {table.name: tuple(table.columns.keys()) for table in schema.RECORDS}
_KEYS: Final = {
    table.name: tuple(_COLUMNS[table.name].index(column.name) for column in table.primary_key.columns)
    for table in schema.RECORDS
}
_FLAGS: Final = {
    table.name: tuple(place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean))
    for table in schema.RECORDS
}
_SORTED_BY_KEY: Final = ("book_mark",)
"""Its key, with which its rows begin, ends otherwise than its rows come."""


def differences(table: str, recorded: Sequence[Any], expected: list[tuple[Any, ...]]) -> Iterator[Difference]:
    """
    Yield what is different, by key.

    Args:
        table: Of the record, its key begins with history and position.
        recorded: As the database has them, by key: plain tuples.
        expected: As they follow from the commands, in the order of the feed.
    """
    key = _KEYS[table]
    if table in _SORTED_BY_KEY:
        expected.sort()
    if recorded == expected:
        return
    told = [_with_flags(row, _FLAGS[table]) for row in recorded]
    held = {tuple(row[place] for place in key): row for row in told}
    wanted = {tuple(row[place] for place in key): row for row in expected}
    for row_key in sorted(held.keys() | wanted.keys()):
        yield from _of_row(table, row_key, held.get(row_key), wanted.get(row_key))


def _with_flags(row: Sequence[Any], flags: Sequence[int]) -> list[Any]:
    """Return a row whose flags, which SQLite keeps as 0 and 1, are those that were meant."""
    values = list(row)
    for place in flags:
        if values[place] in (0, 1):
            values[place] = bool(values[place])
    return values


def _of_row(table: str, key: tuple[Any, ...], recorded: Any, expected: Any) -> Iterator[Difference]:
    history, position, *rest = key
    names = [_COLUMNS[table][place] for place in _KEYS[table]][2:]
    name = ", ".join(f"{name} {shown(value)}" for name, value in zip(names, rest, strict=True))
    if recorded is None or expected is None:
        told = (NO_ROW, A_ROW) if recorded is None else (A_ROW, NO_ROW)
        yield Difference(history, position, table, name, "", *told)
        return
    for field, left, right in zip(_COLUMNS[table], recorded, expected, strict=True):
        if left != right:
            yield Difference(history, position, table, name, field, shown(left), shown(right))
