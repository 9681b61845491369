"""The ledger's database as a `record.Record`: SQLite and PostgreSQL, by the tables of `services.ledger.schema`.

Owns the questions as SQL. Each goes by a primary key; what may be long is read in pages, so memory is bounded by a page
and nothing holds a lock or a snapshot while the caller computes. Opens for reading alone: SQLite by `mode=ro`,
PostgreSQL by transactions that are read only.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from openoutcry.wire.errors import ConfigurationError, MalformedMessage
from outcry.time_machine.difference import FINDINGS_MAX, Difference, shown
from outcry.time_machine.origin import ORIGIN, origin_data
from outcry.time_machine.record import BlockRow, GapRow, MarkRow, PacketRow, RecordedHistory
from outcry.time_machine.unrecorded import NotRecorded
from services.ledger import schema
from services.ledger.aio.database import CONNECT_S, database_url
from services.ledger.fork import WriterPlace
from services.matching.floor import EngineConfig
from services.matching.recovery.checkpoint import read_config

BLOCKS_IN_PAGE: Final = 4
PACKETS_IN_PAGE: Final = 2_000
_TYPES: Final[dict[type[Any], str]] = {
    sa.BigInteger: "integer",
    sa.Text: "text",
    sa.LargeBinary: "blob",
    sa.Boolean: "integer",
}
_PLACE_TYPES: Final = (int, int, int, int, int, str, str, int, int, bytes)
_PLACE_NAMES: Final = ("history", "position")

_PLACE_ROW: Final = [schema.place.c[name] for name in WriterPlace._fields]
_MARK: Final = schema.mark.c
_PACKET: Final = schema.packet.c
_BLOCK: Final = schema.block.c
_MARK_ROW: Final = (_MARK.history, _MARK.position, _MARK.log_id, _MARK.time, _MARK.engine_version)
_PACKET_ROW: Final = (
    _PACKET.position, _PACKET.term, _PACKET.prev, _PACKET.log_id, _PACKET.time, _PACKET.published, _PACKET.commands,
    _PACKET.sha256,
)  # fmt: skip
_BLOCK_ROW: Final = [schema.block.c[name] for name in BlockRow._fields]


def reading_engine(url: str) -> sa.Engine:
    """
    Return an engine for reading alone.

    Raises:
        ConfigurationError: If the URL is none, or of another kind of database; it is shown without its password.
    """
    try:
        parsed = database_url(url)
    except ConfigurationError as error:
        raise ConfigurationError(f"--database: {error}") from None
    if parsed.get_backend_name() == "postgresql":
        options = {"connect_timeout": CONNECT_S, "options": "-c default_transaction_read_only=on"}
        return sa.create_engine(parsed, connect_args=options)
    if not parsed.database or not Path(parsed.database).is_file():
        raise ConfigurationError(f"--database: there is no file {parsed.database}")
    path = quote(str(Path(parsed.database).resolve()))
    return sa.create_engine(URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"}))


class LedgerRecord:
    """
    One ledger's record, on one connection; for one thread. Every question is a transaction of its own.

    Args:
        engine: As `reading_engine` gives it.

    Raises:
        NotRecorded: If the database does not answer; so does every method.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._origins: dict[int, MarkRow | None] = {}
        try:
            self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except DBAPIError as error:
            raise NotRecorded("no_ledger", f"the database did not answer: {_reason(error)}") from error

    def newest_block(self) -> int:
        """Return the number of the newest block; 0: there is none."""
        [(number,)] = self._all(sa.select(sa.func.max(_BLOCK.number)))
        return number or 0

    def mistyped(self) -> Iterator[Difference]:
        """Yield values that are of another type than their column, which SQLite lets happen; O(all rows)."""
        if self._engine.dialect.name != "sqlite":
            return
        for table in schema.metadata.sorted_tables:
            allowed = [_types_of(column) for column in table.columns]
            types = [sa.func.typeof(column) for column in table.columns]
            strange = sa.or_(*[each.not_in(names) for each, names in zip(types, allowed, strict=True)])
            for row in self._tuples(sa.select(*table.columns, *types).where(strange).limit(FINDINGS_MAX)):
                values, found = row[: len(types)], row[len(types) :]
                for column, value, kind, names in zip(table.columns, values, found, allowed, strict=True):
                    if kind not in names:
                        yield _mistyped(table, values, column, value, kind)

    def place(self) -> WriterPlace | None:
        """Return how far it is."""
        found = self._all(sa.select(*_PLACE_ROW))
        if len(found) > 1:
            raise ConfigurationError("the database has more than one place: it is no ledger of ours")
        if not found:
            return None
        if tuple(map(type, found[0])) != _PLACE_TYPES:
            raise TypeError("a value of the place is not of its column's type")
        return WriterPlace(*found[0])

    def histories(self) -> Sequence[RecordedHistory]:
        """Return all of them, by number."""
        c = schema.history.c
        columns = (c.number, c.epoch, c.parent, c.from_position, c.until_position, c.shard)
        return [RecordedHistory(*row) for row in self._all(sa.select(*columns).order_by(c.number))]

    def gaps(self) -> Sequence[GapRow]:
        """Return all of them, by history and position."""
        c = schema.gap.c
        columns = (c.history, c.from_position, c.until_position, c.why, c.time, c.filled)
        return [GapRow(*row) for row in self._all(sa.select(*columns).order_by(c.history, c.from_position))]

    def marks(self, history: int, after: int, until: int | None) -> Sequence[MarkRow]:
        """Return marks without their bytes, ascending; the market's origin among them, if the record has it."""
        where = [_MARK.history == history, _MARK.position >= after, *_until(_MARK.position, until)]
        rows = [MarkRow(*row) for row in self._all(sa.select(*_MARK_ROW).where(*where).order_by(_MARK.position))]
        origin = self._origin(history) if after <= ORIGIN and (not rows or rows[0].position > ORIGIN) else None
        return rows if origin is None else [origin, *rows]

    def mark_before(
        self, history: int, until: int | None, *, position: int | None = None, time: int | None = None
    ) -> MarkRow | None:
        """Return the last mark at or before a position, or a time; the origin if there is no later one."""
        where = [_MARK.history == history, *_until(_MARK.position, until)]
        where += [*_until(_MARK.position, position), *_until(_MARK.time, time)]
        rows = self._all(sa.select(*_MARK_ROW).where(*where).order_by(_MARK.position.desc()).limit(1))
        if rows:
            return MarkRow(*rows[0])
        origin = self._origin(history)
        return origin if origin is not None and (time is None or origin.time <= time) else None

    def mark_data(self, history: int, position: int) -> bytes:
        """Return a mark's checkpoint; of the origin it is made."""
        where = (_MARK.history == history, _MARK.position == position)
        rows = self._all(sa.select(_MARK.data).where(*where))
        if not rows and position == ORIGIN:
            first = self._all(sa.select(_MARK.data).where(_MARK.history == history).order_by(_MARK.position).limit(1))
            config = _config_of(bytes(first[0][0])) if first else None
            [(shard, epoch)] = self._all(
                sa.select(schema.history.c.shard, schema.history.c.epoch).where(schema.history.c.number == history)
            )
            return origin_data(shard, epoch, config)
        return bytes(rows[0][0])

    def _origin(self, history: int) -> MarkRow | None:
        """Return the market's origin, if the record has every command since."""
        if history not in self._origins:
            c = schema.history.c
            where = (c.number == history, c.from_position == ORIGIN, c.parent.is_(None))
            begins = self._all(sa.select(c.number).where(*where))
            of_history = (_BLOCK.history == history, _BLOCK.last_ms > 0)
            first = sa.select(_BLOCK.first_position, _BLOCK.first_ms).where(*of_history).order_by(_BLOCK.first_position)
            blocks = self._all(first.limit(1)) if begins else []
            is_whole = blocks and blocks[0][0] == ORIGIN + 1
            self._origins[history] = MarkRow(history, ORIGIN, "0-0", blocks[0][1] * 1000, 0) if is_whole else None
        return self._origins[history]

    def mark_sha256(self, history: int, position: int) -> bytes:
        """Return what a mark says of its bytes."""
        where = (_MARK.history == history, _MARK.position == position)
        rows = self._all(sa.select(_MARK.sha256).where(*where))
        return bytes(rows[0][0]) if rows else hashlib.sha256(self.mark_data(history, position)).digest()

    def blocks(self, history: int, after: int) -> Iterator[BlockRow]:
        """Yield blocks, from the one on that holds the first command above a position."""
        of_history = _BLOCK.history == history
        started = sa.select(sa.func.max(_BLOCK.first_position)).where(of_history, _BLOCK.first_position <= after + 1)
        [(first,)] = self._all(started)
        key = (first if first is not None else 0, -1)
        select = sa.select(*_BLOCK_ROW).order_by(_BLOCK.first_position, _BLOCK.number).limit(BLOCKS_IN_PAGE)
        while True:
            beyond = sa.tuple_(_BLOCK.first_position, _BLOCK.number) > sa.tuple_(*map(sa.literal, key))
            page = [BlockRow(*row) for row in self._all(select.where(of_history, beyond))]
            yield from page
            if len(page) < BLOCKS_IN_PAGE:
                return
            key = (page[-1].first_position, page[-1].number)

    def sealed(self, after: int, until: int) -> Iterator[BlockRow]:
        """Yield blocks by number."""
        select = sa.select(*_BLOCK_ROW).order_by(_BLOCK.number).limit(BLOCKS_IN_PAGE)
        while after < until:
            where = (_BLOCK.number > after, _BLOCK.number <= until)
            page = [BlockRow(*row) for row in self._all(select.where(*where))]
            yield from page
            if len(page) < BLOCKS_IN_PAGE:
                return
            after = page[-1].number

    def accounts(self, table: str) -> Sequence[tuple[Any, ...]]:
        """Return all rows of a table of accounts."""
        return self._all(sa.select(schema.metadata.tables[table]))

    def first_balances(self) -> tuple[int, int] | None:
        """Return history and position of the first row of `balance_eod`."""
        c = schema.balance_eod.c
        found = self._all(sa.select(c.history, c.position).order_by(c.history, c.position).limit(1))
        return (found[0][0], found[0][1]) if found else None

    def candles(self, instrument: str, first: int, last: int) -> Sequence[tuple[Any, ...]]:
        """Return an instrument's candles."""
        c = schema.candle_1m.c
        where = (c.instrument == instrument, c.start >= first, c.start <= last)
        return self._all(sa.select(schema.candle_1m).where(*where).order_by(c.start))

    def strays(self, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        """Yield a row of each table that is of no history."""
        for table in schema.RECORDS:
            if "history" in table.c:
                position = table.c.first_position if table is schema.block else table.c.position
                for beyond in (table.c.history < first, table.c.history > last):
                    found = self._all(sa.select(table.c.history, position).where(beyond).limit(1))
                    yield from ((table.name, *row) for row in found)

    def facts(self) -> dict[str, str]:
        """Return whose tables these are."""
        return {name: value for name, value in self._all(sa.select(schema.ledger_info))}  # noqa: C416 - rows

    def packets(self, history: int, after: int, until: int | None) -> Iterator[PacketRow]:
        """Yield packets in order."""
        of_history = (_PACKET.history == history, *_until(_PACKET.position, until))
        select = sa.select(*_PACKET_ROW).order_by(_PACKET.position, _PACKET.term).limit(PACKETS_IN_PAGE)
        key = (after, -1)
        while True:
            beyond = sa.tuple_(_PACKET.position, _PACKET.term) > sa.tuple_(*map(sa.literal, key))
            page = self._tuples(select.where(*of_history, beyond))
            yield from map(tuple.__new__, repeat(PacketRow), page)  # no call of Python's own for a row
            if len(page) < PACKETS_IN_PAGE:
                return
            key = page[-1][:2]

    def packet_before(
        self, history: int, after: int, until: int | None, *, position: int | None = None, time: int | None = None
    ) -> PacketRow | None:
        """Return the last packet at or before a position, or a time."""
        where = [_PACKET.history == history, _PACKET.position >= after]
        where += [*_until(_PACKET.position, until), *_until(_PACKET.position, position)]
        if time is not None:
            # Times never fall, but no index knows that: bounded by the next mark, backwards from what is later.
            later = sa.select(sa.func.min(_PACKET.position)).where(*where, _PACKET.time > time)
            [(bound,)] = self._all(later)
            where += [_PACKET.position < bound] if bound is not None else []
        newest = (_PACKET.position.desc(), _PACKET.term.desc())
        rows = self._all(sa.select(*_PACKET_ROW).where(*where).order_by(*newest).limit(1))
        return PacketRow(*rows[0]) if rows else None

    def book_mark(self, history: int, instrument: str, after: int, until: int) -> tuple[int, int, int] | None:
        """Return (position, seq, digest) of a book's last change."""
        c = schema.book_mark.c
        where = (c.history == history, c.instrument == instrument, c.position >= after, c.position <= until)
        newest = sa.select(c.position, c.seq, c.digest).where(*where).order_by(c.position.desc()).limit(1)
        rows = self._all(newest)
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    def rows(self, table: str, history: int, after: int, until: int) -> Sequence[tuple[Any, ...]]:
        """Return a table's rows, all columns."""
        return self._tuples(_rows_of(table), {"history": history, "after": after, "until": until})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up the connection."""
        self._connection.close()
        self._engine.dispose()

    def _all(self, statement: sa.Select[Any], values: dict[str, int] | None = None) -> Sequence[Any]:
        try:
            return self._connection.execute(statement, values).all()
        except DBAPIError as error:
            raise NotRecorded("no_ledger", f"the ledger's tables cannot be read: {_reason(error)}") from error

    def _tuples(self, statement: sa.Select[Any], values: dict[str, int] | None = None) -> list[tuple[Any, ...]]:
        """
        Return rows as the driver has them: plain tuples, which compare several times as fast as SQLAlchemy's.

        In SQLite a flag is 0 or 1 then.
        """
        try:
            result = self._connection.execute(statement, values)
            assert result.cursor is not None, "a SELECT has rows"
            rows: list[tuple[Any, ...]] = list(result.cursor.fetchall())
            result.close()
        except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
            raise NotRecorded("no_ledger", f"the ledger's tables cannot be read: {_reason(error)}") from error
        return rows


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", error)).split())


def _types_of(column: sa.Column[Any]) -> list[str]:
    """Return SQLite's names of what a column may hold."""
    return [_TYPES[type(column.type)], *(["null"] if column.nullable else [])]


def _mistyped(table: sa.Table, row: Sequence[Any], column: sa.Column[Any], value: Any, kind: str) -> Difference:
    names = table.columns.keys()
    told = dict(zip(names, row, strict=True))
    place = [told.get(name) for name in ("history", "position")]
    history, position = (each if isinstance(each, int) else 0 for each in place)
    key = ", ".join(f"{each.name} {told[each.name]}" for each in table.primary_key if each.name not in _PLACE_NAMES)
    return Difference(
        history,
        position,
        table.name,
        key,
        column.name,
        f"{shown(value)} ({kind})",
        f"a value of type {_TYPES[type(column.type)]}",
    )


def _config_of(data: bytes) -> EngineConfig | None:
    try:
        return read_config(data)
    except MalformedMessage:
        return None  # told where the mark is looked at


@cache
def _rows_of(table: str) -> sa.Select[Any]:
    """Return the question for rows; made once, since to make it takes longer than its answer."""
    found = schema.metadata.tables[table]
    c = found.c
    where = (
        c.history == sa.bindparam("history", type_=sa.BigInteger),
        c.position > sa.bindparam("after", type_=sa.BigInteger),
        c.position <= sa.bindparam("until", type_=sa.BigInteger),
    )
    return sa.select(found).where(*where).order_by(*found.primary_key.columns)


def _until(column: sa.Column[int], limit: int | None) -> list[sa.ColumnElement[bool]]:
    return [column <= limit] if limit is not None else []
