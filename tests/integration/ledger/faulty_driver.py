"""Connections of both drivers that fail at a statement: before it, or (a commit) after it was carried out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


class Faults:
    """Counts statements, and says which one fails."""

    def __init__(self, at: int | None = None, *, after_commit: bool = False) -> None:
        self.statements = 0
        self.at = at
        self.after_commit = after_commit
        self.struck = False

    def count(self) -> bool:
        """Tell whether this statement fails."""
        self.statements += 1
        if self.at is not None and self.statements == self.at and not self.struck:
            self.struck = True
            return True
        return False


def sqlite_connector(file: str, faults: Faults) -> Callable[[], Any]:
    """Return what makes connections to a file."""

    def fail() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    class Cursor(sqlite3.Cursor):
        def execute(self, *arguments: Any) -> Any:
            if faults.count():
                fail()
            return super().execute(*arguments)

        def executemany(self, statement: str, rows: Any) -> Any:
            if faults.count():
                super().executemany(statement, list(rows)[: len(rows) // 2])  # half of them were there
                fail()
            return super().executemany(statement, rows)

    class FaultyConnection(sqlite3.Connection):
        def cursor(self, *_: Any) -> Any:
            return super().cursor(Cursor)

        def commit(self) -> None:
            if faults.count():
                if faults.after_commit:
                    super().commit()
                fail()
            super().commit()

    return lambda: sqlite3.connect(file, factory=FaultyConnection, check_same_thread=False)


def postgres_connector(url: str, faults: Faults) -> Callable[[], Any]:
    """Return what makes connections to a server."""

    class FaultyCursor(psycopg.Cursor[Any]):
        def execute(self, *arguments: Any, **options: Any) -> Any:
            if faults.count():
                self.connection.close()
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            return super().execute(*arguments, **options)

        @contextmanager
        def copy(self, *arguments: Any, **options: Any) -> Iterator[psycopg.Copy]:
            strike = faults.count()
            with super().copy(*arguments, **options) as copy:
                yield copy
            if strike:
                self.connection.close()
                raise psycopg.OperationalError("server closed the connection unexpectedly")

    class FaultyPostgres(psycopg.Connection[Any]):
        def commit(self) -> None:
            if faults.count():
                if faults.after_commit:
                    super().commit()
                self.close()
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            super().commit()

    def connect() -> Any:
        connection = FaultyPostgres.connect(url)
        connection.cursor_factory = FaultyCursor
        return connection

    return connect
