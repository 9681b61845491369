"""Two lists of one table's rows, and where they differ.

Equal lists, which nearly all are, cost one comparison. Only others are taken apart: rows are found by their key, and of
two rows with one key each field that differs is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from outcry.time_machine.difference import Difference, shown
from services.ledger import schema

NO_ROW: Final = "no row"
A_ROW: Final = "a row"

_COLUMNS: Final = {table.name: tuple(table.columns.keys()) for table in schema.RECORDS}
_KEYS: Final = {
    table.name: tuple(_COLUMNS[table.name].index(column.name) for column in table.primary_key.columns)
    for table in schema.RECORDS
}
_SORTED_BY_KEY: Final = ("book_mark",)
"""Its key ends otherwise than its rows come."""


def differences(table: str, recorded: Sequence[Any], expected: list[tuple[Any, ...]]) -> Iterator[Difference]:
    """
    Yield what is different, by key.

    Args:
        table: Of the record, its key begins with history and position.
        recorded: As the database has them, by key.
        expected: As they follow from the commands, in the order of the feed.
    """
    key = _KEYS[table]
    if table in _SORTED_BY_KEY:
        expected.sort(key=lambda row: tuple(row[place] for place in key))
    if len(recorded) == len(expected) and all(map(_equal, recorded, expected)):
        return
    held = {tuple(row[place] for place in key): row for row in recorded}
    wanted = {tuple(row[place] for place in key): row for row in expected}
    for row_key in sorted(held.keys() | wanted.keys()):
        yield from _of_row(table, row_key, held.get(row_key), wanted.get(row_key))


def _equal(recorded: Any, expected: tuple[Any, ...]) -> bool:
    return bool(recorded == expected)


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
