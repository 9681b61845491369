"""Rows into tables, many at once: COPY on PostgreSQL, executemany on SQLite.

Owns that a value arrives as it is. psycopg is told the type of every column: of itself it sends the smallest type that
fits, which a binary COPY does not convert.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Connection, LargeBinary, Table, Text, tuple_
from sqlalchemy.dialects import postgresql, sqlite

_TYPES: Final[dict[type[Any], str]] = {BigInteger: "int8", Text: "text", LargeBinary: "bytea", Boolean: "bool"}
"""PostgreSQL's names of the types that our columns have."""
ROWS_IN_UPSERT_MAX: Final = 500
"""Rows of one statement; SQLite takes 32,766 parameters."""


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
    statement, types = _copy(table)
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            copy.set_types(types)
            write = copy.write_row
            for row in rows:
                write(row)
    finally:
        cursor.close()


def upsert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, or give those that are there by the same key these values. No two have the same key."""
    names = [column.name for column in table.columns]
    key = [column.name for column in table.primary_key]
    make: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for first in range(0, len(rows), ROWS_IN_UPSERT_MAX):
        part = [dict(zip(names, row, strict=True)) for row in rows[first : first + ROWS_IN_UPSERT_MAX]]
        statement = make(table).values(part)
        others = {name: statement.excluded[name] for name in names if name not in key}
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=others))


def read_rows(
    connection: Connection, table: Table, columns: Sequence[str], keys: Iterable[Any]
) -> list[tuple[Any, ...]]:
    """Return the rows whose columns have these values (a value each, or a tuple), in parts. O(rows)."""
    wanted = list(keys)
    found: list[tuple[Any, ...]] = []
    for first in range(0, len(wanted), ROWS_IN_UPSERT_MAX):
        part = wanted[first : first + ROWS_IN_UPSERT_MAX]
        where = table.c[columns[0]].in_(part) if len(columns) == 1 else tuple_(*[table.c[n] for n in columns]).in_(part)
        found += [tuple(row) for row in connection.execute(table.select().where(where))]
    return found


@cache
def _insert(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(table.columns))})'  # noqa: S608


@cache
def _copy(table: Table) -> tuple[str, list[str]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    types = [_TYPES[type(column.type)] for column in table.columns]
    return f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)', types
