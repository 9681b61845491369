"""Rows into tables, many at once: COPY on PostgreSQL, executemany on SQLite.

Owns that a value arrives as it is. Where COPY is binary (bytes, NULL), psycopg is told the type of every column: of
itself it sends the smallest type that fits, which a binary COPY does not convert. Elsewhere it is text, which the
server converts, or refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Connection, LargeBinary, Table, Text, tuple_

_TYPES: Final[dict[type[Any], str]] = {BigInteger: "int8", Text: "text", LargeBinary: "bytea", Boolean: "bool"}
"""PostgreSQL's names of the types that our columns have."""
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
KEYS_IN_READ_MAX: Final = 500
"""Keys of one statement; SQLite takes 32,766 parameters."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """
    Insert rows, values in the order of the table's columns. O(rows).

    Raises:
        Error: The driver's own on PostgreSQL, SQLAlchemy's on SQLite; the transaction is then good for nothing.
    """
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql(_insert(table), list(rows))
        return
    cursor = connection.connection.cursor()
    try:
        if _has_bytes(table):
            statement, types = _copy(table)
            with cursor.copy(statement) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
        else:
            with cursor.copy(_text_copy(table)) as copy:
                copy.write(copy_text(rows, len(table.columns)))
    finally:
        cursor.close()


def copy_text(rows: Sequence[tuple[Any, ...]], columns: int) -> str:
    """
    Return rows as PostgreSQL's COPY reads text: a line a row, tabs between, no NULL. O(rows), 3 µs each.

    A fifth of the time of the driver's binary form. That nothing must be escaped is seen from the whole.
    """
    text = "\n".join(["\t".join(map(str, row)) for row in rows])
    fits = text.count("\t") == len(rows) * (columns - 1) and text.count("\n") == len(rows) - 1
    if fits and "\\" not in text and "\r" not in text:
        return text
    return "\n".join(["\t".join([_escaped(value) for value in row]) for row in rows])


def _escaped(value: Any) -> str:
    return value.translate(_ESCAPES) if isinstance(value, str) else str(value)


def upsert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, or give those that are there by the same key these values. O(rows)."""
    if rows:
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        connection.exec_driver_sql(_upsert(table, mark), [tuple(row) for row in rows])


def read_rows(
    connection: Connection, table: Table, columns: Sequence[str], keys: Iterable[Any]
) -> list[tuple[Any, ...]]:
    """Return the rows whose columns have these values (a value each, or a tuple), in parts. O(rows)."""
    wanted = list(keys)
    found: list[tuple[Any, ...]] = []
    for first in range(0, len(wanted), KEYS_IN_READ_MAX):
        part = wanted[first : first + KEYS_IN_READ_MAX]
        where = table.c[columns[0]].in_(part) if len(columns) == 1 else tuple_(*[table.c[n] for n in columns]).in_(part)
        found += [tuple(row) for row in connection.execute(table.select().where(where))]
    return found


@cache
def _insert(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(table.columns))})'  # noqa: S608


@cache
def _upsert(table: Table, mark: str) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    key = ", ".join(f'"{column.name}"' for column in table.primary_key)
    others = [column.name for column in table.columns if not column.primary_key]
    news = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
    values = ", ".join([mark] * len(table.columns))
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {news}'  # noqa: S608


@cache
def _has_bytes(table: Table) -> bool:
    return any(isinstance(column.type, LargeBinary) or column.nullable for column in table.columns)


@cache
def _text_copy(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'COPY "{table.name}" ({names}) FROM STDIN'


@cache
def _copy(table: Table) -> tuple[str, list[str]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    types = [_TYPES[type(column.type)] for column in table.columns]
    return f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)', types
