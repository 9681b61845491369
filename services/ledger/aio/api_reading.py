"""Reading the ledger's database for queries: a snapshot a request, a time a statement, a number at once.

Reading changes nothing and never waits for the writer: PostgreSQL gives a snapshot that is read only, SQLite's
write-ahead log one too.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import structlog
from sqlalchemy import Connection, Engine, Result, Select, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from services.ledger import schema
from services.ledger.queries.lineage import AsOf, Branch, Gap, Lineage, lineage_of
from services.ledger.queries.listing import ListedInstrument, Listing, read_listing
from services.ledger.queries.place_search import EVERYWHERE, LOOK, PacketTime, PlaceBounds, bounds_of, look_values
from services.ledger.queries.problem import Problem, unavailable

STATEMENT_S: Final = 10.0
"""Time of one statement; of an export, of the next rows."""
RETRY_S: Final = 2
"""After which a client may ask again while the database is away."""
SEARCHED_FROM: Final = 200_000
"""Commands in the record from which on times are searched for: below, reading all is as quick."""
_INSTRUCTIONS: Final = 20_000
"""SQLite's steps between two looks at the clock: some tenths of a millisecond."""
ROWS_AT_ONCE: Final = 2_000
"""Rows that an export takes from the server at once."""
_CANCELLED: Final = "57014"
"""PostgreSQL's word for a statement that took too long."""

Row: TypeAlias = Mapping[str, Any]


class LedgerRead:
    """
    One request's view: everything in it is of one moment.

    Args:
        connection: In a transaction that only reads.
        as_of: How far the ledger is; None: it has written nothing yet.
        lineage: Which rows hold, and where some are missing.
        listing: What is listed.
        watch: Its clock.
        searched_from: Position from which on times are searched for by halving.
    """

    def __init__(
        self,
        connection: Connection,
        as_of: AsOf | None,
        lineage: Lineage,
        listing: Listing,
        watch: _Watch,
        searched_from: int = SEARCHED_FROM,
    ) -> None:
        self.connection = connection
        self.as_of = as_of
        self.lineage = lineage
        self.listing = listing
        self._watch = watch
        self._searched_from = searched_from

    @property
    def collation(self) -> str:
        """Under which texts are ordered as bytes."""
        return collation(self.connection)

    def bounds(self, start: int | None, end: int | None) -> PlaceBounds:
        """Return where the rows of [start, end) are; in a short record that is everywhere."""
        if self.as_of is None or self.as_of.position < self._searched_from or (start is None and end is None):
            return EVERYWHERE
        return bounds_of(start, end, self.lineage, self.as_of.position, self._look)

    def _look(self, branch: Branch, position: int) -> PacketTime | None:
        found = self.connection.execute(LOOK, look_values(branch, position)).first()
        return None if found is None else (found[0], found[1])

    def rows(self, statement: Select[Any]) -> list[Row]:
        """Return all rows of a statement that says how many there may be."""
        self._watch.restart()
        found = self.connection.execute(statement)
        return _as_rows(found, found)

    def value(self, statement: Select[Any]) -> Any:
        """Return the first column of the first row; None if there is none."""
        self._watch.restart()
        return self.connection.execute(statement).scalar()

    def stream(self, statement: Select[Any]) -> Iterator[Row]:
        """Yield rows without holding them all; each part of them has the time of a statement."""
        self._watch.restart()
        options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
        with self.connection.execution_options(**options).execute(statement) as found:
            for part in found.partitions(ROWS_AT_ONCE):
                yield from _as_rows(found, part)
                self._watch.restart()


def _as_rows(found: Result[Any], rows: Iterable[Any]) -> list[Row]:
    """Make plain dictionaries: the library's own rows are slow to look into."""
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in rows]


class LedgerDatabase:
    """
    The database, for queries.

    Args:
        engine: Of PostgreSQL or SQLite.
        statement_s: Time of one statement, seconds.
        searched_from: Position of the ledger from which on times are searched for by halving.
    """

    def __init__(self, engine: Engine, statement_s: float = STATEMENT_S, searched_from: int = SEARCHED_FROM) -> None:
        self._engine = engine
        self._statement_s = statement_s
        self._searched_from = searched_from
        self._listing: tuple[tuple[int, ...], dict[str, ListedInstrument]] = ((), {})
        self._log = structlog.get_logger()

    @contextmanager
    def read(self) -> Iterator[LedgerRead]:
        """
        Give a view of the ledger.

        Raises:
            Problem: `unavailable` while the database is away, `timeout` if a statement takes too long.
        """
        try:
            with self._connected() as (connection, watch):
                as_of, lineage = _place(connection), _lineage(connection)
                listing = self._listed(connection, lineage)
                yield LedgerRead(connection, as_of, lineage, listing, watch, self._searched_from)
        except SQLAlchemyError as error:
            raise self._problem(error) from error

    @contextmanager
    def _connected(self) -> Iterator[tuple[Connection, _Watch]]:
        with self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                raw = connection.connection.driver_connection
                assert isinstance(raw, sqlite3.Connection)
                watch = _Watch(self._statement_s)
                connection.begin()
                if not raw.in_transaction:  # the driver begins none of its own for what only reads
                    connection.exec_driver_sql("BEGIN")
                raw.set_progress_handler(watch.is_over, _INSTRUCTIONS)
                try:
                    yield connection, watch
                finally:
                    raw.set_progress_handler(None, 0)
                    connection.rollback()
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(self._statement_s * 1000)}")
                yield connection, _Watch(self._statement_s)
                connection.rollback()

    def _listed(self, connection: Connection, lineage: Lineage) -> Listing:
        """Definitions never change, and few are added: they are read again when there are more."""
        rows = schema.instrument
        clause = lineage.current(rows.c)
        count, history, position = connection.execute(
            select(func.count(), func.max(rows.c.history), func.max(rows.c.position)).where(clause)
        ).one()
        version = (count, history or 0, position or 0, *(branch.until or 0 for branch in lineage.branches))
        if self._listing[0] != version:
            columns = (rows.c.history, rows.c.position, rows.c.symbol, rows.c.definition)
            order = (rows.c.history, rows.c.position, rows.c.ordinal)
            found = connection.execute(select(*columns).where(clause).order_by(*order))
            self._listing = version, read_listing(found)
        return self._listing[1]

    def _problem(self, error: SQLAlchemyError) -> Problem:
        if _took_too_long(error):
            text = f"the database took longer than {self._statement_s:g} s; ask for less: a user, an instrument, a time"
            return unavailable("timeout", text, int(self._statement_s))
        # Its own words may hold a password, or what somebody asked.
        reason = type(getattr(error, "orig", None) or error).__name__
        self._log.warning("the ledger's database does not answer", error=reason)
        return unavailable("unavailable", "the ledger's database does not answer at present", RETRY_S)


class _Watch:
    """A statement's time on SQLite, which has none of its own."""

    def __init__(self, statement_s: float) -> None:
        self._statement_s = statement_s
        self.restart()

    def restart(self) -> None:
        self._until = time.monotonic() + self._statement_s

    def is_over(self) -> int:
        """As SQLite asks: anything but 0 ends the statement."""
        return int(time.monotonic() > self._until)


def collation(connection: Connection) -> str:
    """Return the name under which a database orders texts as bytes."""
    return "BINARY" if connection.dialect.name == "sqlite" else "C"


def _took_too_long(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    cause = error.orig
    return getattr(cause, "sqlstate", None) == _CANCELLED or str(cause) == "interrupted"


def _place(connection: Connection) -> AsOf | None:
    row = connection.execute(select(schema.place)).mappings().first()
    if row is None:
        return None
    return AsOf(row["history"], row["epoch"], row["position"], row["time"], row["block"], bytes(row["chain"]))


def _lineage(connection: Connection) -> Lineage:
    histories = connection.execute(select(schema.history.c.number, schema.history.c.until_position))
    branches = [Branch(number, until) for number, until in histories]
    gap, packet = schema.gap, schema.packet
    before = select(func.max(packet.c.time)).where(
        packet.c.history == gap.c.history, packet.c.position == gap.c.from_position
    )
    # The first packet behind it, by position: its time is that of its last command.
    behind = (
        select(packet.c.time)
        .where(packet.c.history == gap.c.history, packet.c.position > gap.c.until_position)
        .order_by(packet.c.position)
        .limit(1)
    )
    rows = connection.execute(
        select(
            gap.c.history,
            gap.c.from_position,
            gap.c.until_position,
            gap.c.why,
            func.coalesce(before.scalar_subquery(), 0),
            behind.scalar_subquery(),
        ).where(gap.c.filled.is_(False))
    )
    return lineage_of(branches, (Gap(*row) for row in rows))
