"""The ledger's database: its URL, and connections to it.

Owns which databases there are, and how each is spoken to, so that a transaction that has ended is on disk. PostgreSQL
15 or newer by psycopg; SQLite of the standard library with a write-ahead log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from openoutcry.wire.errors import ConfigurationError

BUSY_S: Final = 5.0
"""How long SQLite waits for another's transaction."""
CONNECT_S: Final = 5
WAL_PAGES: Final = 16_384
"""Pages of SQLite's write-ahead log (64 MiB) from which on they are copied into the file: a transaction of a thousand
pages is then synced once, and not three times."""
READERS_MAX: Final = 16
"""Connections that read at once."""
STATEMENT_MS: Final = 60_000
"""Of the writer on PostgreSQL."""
_NO_URL: Final = (ArgumentError, ValueError)
FORMS: Final = "sqlite:///PATH or postgresql://USER@HOST:PORT/DATABASE"


def database_url(text: str) -> URL:
    """
    Read a ledger's URL.

    Raises:
        ConfigurationError: If it is none of the two forms; the password is not told.
    """
    try:
        url = make_url(text)
    except _NO_URL:  # theirs may show a part of the password
        raise ConfigurationError(f"the ledger's database is {FORMS}, and this is no URL") from None
    kind = url.get_backend_name()
    if kind == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    if kind == "postgresql" and url.database:
        return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"the ledger's database is {FORMS}, not {masked(text)}")


def masked(text: str) -> str:
    """Return a URL as it may stand in logs: without its password, wherever in it that is."""
    try:
        url = make_url(text)
    except _NO_URL:
        return "what it is"
    hidden = {name: "..." if "password" in name.lower() else value for name, value in url.query.items()}
    return url.set(query=hidden).render_as_string(hide_password=True)


def database_file(url: URL) -> Path | None:
    """Return the file of an SQLite database, None of any other."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def open_engine(url: URL, *, writes: bool, connect: Callable[[], Any] | None = None) -> Engine:
    """
    Make an engine; no connection is opened yet. One that writes makes a new one each time, one that reads keeps some.

    Args:
        url: As `database_url` gave it.
        writes: Whether its transactions write: SQLite's begin by taking the one place of a writer.
        connect: Makes the driver's connections; None: the usual way.
    """
    options: dict[str, Any] = {"poolclass": NullPool} if writes else {"pool_size": 4, "max_overflow": READERS_MAX - 4}
    if connect is not None:
        options["creator"] = connect
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_S, "check_same_thread": False}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine
    settings = f"-c timezone=UTC -c statement_timeout={STATEMENT_MS if writes else 0}"
    arguments = {"connect_timeout": CONNECT_S, "application_name": "outcry-ledger", "options": settings}
    return create_engine(url, connect_args=arguments, **options)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own
    cursor = connection.cursor()
    # FULL: a transaction that has ended is on disk. `recursive_triggers`: INSERT OR REPLACE deletes, and may not.
    for setting in ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
    cursor.close()
