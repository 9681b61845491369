"""The writer: one transaction for each draft, the place first, so that nothing is there twice, or half.

Owns the connection that writes, what is in memory of what it has written, and what an error means. After any error but
those that end the service the writer is good for nothing: make another, which reads the place again. Whether a commit
whose answer was lost has been carried out, the place tells.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import structlog
from sqlalchemy import Connection, func, insert, literal, select, text, update
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError

from openoutcry.wire.account import tick_value
from openoutcry.wire.errors import OpenOutcryError
from services.ledger import schema
from services.ledger.aio.ledger_ddl import PARTITION_POSITIONS, make_partitions
from services.ledger.aio.ledger_memory import accounts_are_kept, instrument_terms, read_memory
from services.ledger.aio.store_mark import MarketStanding
from services.ledger.aio.table_writing import insert_rows, read_rows, upsert_rows
from services.ledger.balances import Balances, HoldingRow, PurseRow, TradedTerms
from services.ledger.candles import CandleRow, Candles
from services.ledger.command_block import ENCODING, entry_place
from services.ledger.draft import Draft
from services.ledger.fork import HistoryRow, WriterPlace, forked
from services.ledger.proof.block_chain import BlockChain, SealedBlock
from services.ledger.record_json import to_json
from services.ledger.rows import Memory
from shared.logs.packet import Packet

LOCK_CLASS: Final = 8_217
"""Of the advisory locks on PostgreSQL; the shard is their number."""
REBUILD_POSITIONS: Final = 10_000
"""Positions whose rows are in memory at once while current state is made anew."""
ACCESS_OF_A_TIME_MAX: Final = 1_000
"""Entries among which the audit stream's last one is looked for: several have equal times."""
_REFUSED: Final = (
    IntegrityError, DataError, psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError, ProgrammingError,
    OverflowError,
)  # fmt: skip
"""A row that a constraint or a type refuses, or a right that is missing: trying again is of no use."""
AWAY: Final = (DatabaseError, InterfaceError, psycopg.Error, sqlite3.Error)
"""The database is away, full, read only or too slow, unless it is one of those that are refused."""
_TABLES: Final = tuple(
    table for table in schema.RECORDS if table not in (schema.block, schema.mark, schema.access, schema.balance_eod)
)
"""What a packet's rows are in, in the order in which they are written."""


class PlaceTaken(OpenOutcryError):
    """The place is not where this writer left it: another ledger writes."""


class RecordRefused(OpenOutcryError):
    """The database does not take a row; a person must look. The text names the packet and the constraint."""


class LedgerWriter:
    """
    Writes one shard's ledger.

    Args:
        connection: For the writer alone, in no transaction.
        shard: The market.
        chain: Makes the chain of blocks as the database has it.

    Raises:
        Error: One of AWAY.
    """

    def __init__(self, connection: Connection, shard: int, chain: Callable[[Connection], BlockChain]) -> None:
        self.place: WriterPlace | None = None
        """None: the ledger has nothing yet."""
        self.histories: dict[int, HistoryRow] = {}
        self.memory = Memory()
        self.closed_position = 0
        """Of the last close of a trading day that this writer wrote; 0: it wrote none."""
        self._connection = connection
        self._shard = shard
        self._candles = Candles()
        self._balances = Balances({}, keeps_accounts=False)
        self._log = structlog.get_logger()
        with connection.begin():
            row = connection.execute(select(schema.place).where(schema.place.c.shard == shard)).first()
            self.place = WriterPlace._make(row) if row is not None else None
            found = connection.execute(select(schema.history).where(schema.history.c.shard == shard))
            self.histories = {row[0]: HistoryRow._make(row) for row in found}
            self._chain = chain(connection)
            self._remember()

    def begin_history(self, packet: Packet) -> None:
        """
        Begin the history of a packet that forks, at its `prev`; the packet itself follows then.

        Rows above the fork stay, and are in no history that is current. What is current state is made anew.

        Raises:
            PlaceTaken: Another ledger writes.
            RecordRefused: See there.
            Error: One of AWAY.
        """
        place = self.place
        began, left = forked(self.histories, place, self._shard, packet)
        after = WriterPlace(
            self._shard, began.number, packet.epoch, place.term if place else 0, began.from_position,
            place.feed_id if place else "0-0", began.from_log_id, packet.time, place.block if place else 0,
            place.chain if place else self._chain.state.chain,
        )  # fmt: skip
        with self._transaction(f"history {began.number}"):
            self._start(began, left, after)
            self._tell_cut(began)
            if place is not None and began.from_position < place.position:
                self._make_state_anew()
        self._settle(after)
        tell = self._log.info if place is None else self._log.warning
        tell(
            "a history begins", history=began.number, epoch=began.epoch, parent=began.parent,
            from_position=began.from_position, left_at=place.position if place else 0,
        )  # fmt: skip

    def write(self, draft: Draft) -> None:
        """
        Write a draft that began at the place, whole or not at all. O(its rows).

        Raises:
            PlaceTaken: Another ledger writes.
            RecordRefused: See there.
            Error: One of AWAY; it may have been written, or not.
        """
        assert self.place is not None
        data = draft.encoded()
        span = draft.span()
        sealed = self._chain.seal(span, data, draft.packet_hashes(), draft.leaves())
        after = draft.after._replace(block=sealed.number, chain=sealed.chain)
        self._make_room(after)
        with self._transaction(str(draft.packets[-1].feed_id)):
            self._advance(self.place, after)
            tables = draft.rows.by_table
            for table in _TABLES:
                insert_rows(self._connection, table, tables[table.name])
            self._write_state(draft)
            self._write_block(draft, data, sealed)
        if (head := self._chain.committed(sealed)) is not None:
            self._log.info("the head after the first block of a day", block=sealed.number, **head.members())
        self.place = after
        if draft.rows.closes:
            self.closed_position = after.position

    def jump(self, standing: MarketStanding, why: str) -> None:
        """
        Go on from a later position: what is between is missing, and a row of `gap` says so. O(accounts).

        Args:
            standing: The market there.
            why: A sentence.

        Raises:
            PlaceTaken: And others as `write`.
        """
        before, head = self.place, standing.mark.head
        begins = before is None or head.epoch != before.epoch
        number = max(self.histories, default=0) + 1 if begins or before is None else before.history
        after = standing.place(before, number, self._shard)
        if before is None:
            after = after._replace(chain=self._chain.state.chain)
        from_position = before.position if before is not None else 0
        with self._transaction(f"gap {from_position} to {head.position}"):
            if begins:
                parent = before.history if before is not None else None
                at = (head.position, head.log_id, None, head.time)
                self._start(HistoryRow(number, self._shard, head.epoch, parent, *at), [], after)
            else:
                self._advance(before, after)
            gap = (number, from_position, head.position, why, head.time, False)
            insert_rows(self._connection, schema.gap, [gap])
            insert_rows(self._connection, schema.mark, [(number, head.position, *standing.mark.row())])
            insert_rows(self._connection, schema.gap_account, standing.accounts(number))
            for table in (schema.holding, schema.purse):
                self._connection.execute(table.delete())
            upsert_rows(self._connection, schema.holding, standing.holdings)
            upsert_rows(self._connection, schema.purse, standing.purses)
            self._list_instruments(after, standing)
        self._settle(after)
        self._log.error("records are missing", from_position=from_position, until_position=head.position, why=why)

    def write_mark(self, row: tuple[Any, ...]) -> bool:
        """Keep a checkpoint of the store that the place has reached; False if there is one of its position."""
        with self._transaction("mark"):
            key = schema.mark.c.history == row[0], schema.mark.c.position == row[1]
            is_new = self._connection.execute(select(schema.mark.c.position).where(*key)).first() is None
            if is_new:
                insert_rows(self._connection, schema.mark, [row])
        return is_new

    def newest_access(self) -> str:
        """Return the audit stream's last entry that is written; "0-0": none."""
        table = schema.access
        with self._connection.begin():
            newest = select(table.c.audit_id, table.c.time).order_by(table.c.time.desc()).limit(ACCESS_OF_A_TIME_MAX)
            found = [row.audit_id for row in self._connection.execute(newest)]
        return max(found, key=lambda each: entry_place(each.encode()), default="0-0")

    def write_access(self, rows: list[tuple[Any, ...]]) -> None:
        """Write refused accesses, which are no part of any block."""
        with self._transaction("refused accesses"):
            insert_rows(self._connection, schema.access, rows)

    # -- private ------------------------------------------------------------------------------------------------------

    def _remember(self) -> None:
        """Find in the database what the next rows need of those before."""
        current = [(row.number, row.until_position) for row in self.histories.values()]
        self.memory = read_memory(self._connection, current)
        terms = instrument_terms(self._connection, current)
        self._balances = Balances(terms, keeps_accounts=accounts_are_kept(self._connection, current))
        self._candles = Candles()

    def _start(self, began: HistoryRow, left: list[HistoryRow], after: WriterPlace) -> None:
        """Write a history's beginning, in a transaction."""
        connection = self._connection
        if self.place is None:
            connection.execute(insert(schema.place).values(after._asdict()))
        else:
            self._advance(self.place, after)
        insert_rows(connection, schema.history, [began])
        for row in left:
            lowered = update(schema.history).where(schema.history.c.number == row.number)
            connection.execute(lowered.values(until_position=row.until_position))
        self.histories |= {row.number: row for row in (*left, began)}

    def _tell_cut(self, began: HistoryRow) -> None:
        """Say what is missing where a history begins in the midst of a packet: all of that packet is left."""
        if began.parent is None:
            return
        parent, at, table = self.histories[began.parent], began.from_position, schema.packet.c
        before = (table.history == parent.number, table.position <= at)
        newest = select(table.position).where(*before).order_by(table.position.desc()).limit(1)
        gap = schema.gap.c
        ends = select(func.max(gap.until_position)).where(gap.history == parent.number, gap.until_position <= at)
        known = [self._connection.execute(statement).scalar() or 0 for statement in (newest, ends)]
        last = max(*known, parent.from_position)
        if last < at:
            why = "the market went on from the midst of a packet, whose rows are of what was left"
            insert_rows(self._connection, schema.gap, [(began.number, last, at, why, began.began, False)])

    def _settle(self, after: WriterPlace) -> None:
        """Go on at a place that is not where the one before ended."""
        self.place = after
        with self._connection.begin():
            make_partitions(self._connection, after.history, after.position)
            self._remember()

    def _advance(self, before: WriterPlace | None, after: WriterPlace) -> None:
        """Move the place, if it is still where this writer left it; before anything else of a transaction."""
        assert before is not None
        table = schema.place
        moved = self._connection.execute(
            update(table)
            .where(
                table.c.shard == before.shard,
                table.c.history == before.history,
                table.c.position == before.position,
                table.c.feed_id == before.feed_id,
            )
            .values(after._asdict())
        )
        if moved.rowcount != 1:
            raise PlaceTaken(
                f"the place of shard {before.shard} is no longer position {before.position}, where this ledger left "
                "it: another one writes into the same database"
            )

    def _make_room(self, after: WriterPlace) -> None:
        assert self.place is not None
        if after.position // PARTITION_POSITIONS != self.place.position // PARTITION_POSITIONS:
            with self._transaction("partitions"):
                make_partitions(self._connection, after.history, after.position)

    def _write_state(self, draft: Draft) -> None:
        tables = draft.rows.by_table
        for entry in draft.packets:
            for listed in entry.packet.listings:
                self._balances.terms[listed.symbol] = TradedTerms(tick_value(listed), listed.currency)
            if entry.packet.beginnings:
                self._balances.keeps_accounts = True
        self._write_candles(tables["trade"])
        self._write_balances(tables["execution"], tables["transfer"])
        for position, day in draft.rows.closes:
            self._keep_balances(draft.before.history, position, day)

    def _write_candles(self, trades: list[tuple[Any, ...]]) -> None:
        if not trades:
            return
        table, candles = schema.candle_1m, self._candles
        if unknown := candles.unknown(trades):
            rows = read_rows(self._connection, table, ("instrument", "start"), sorted(unknown))
            candles.read(unknown, [CandleRow._make(row) for row in rows])
        upsert_rows(self._connection, table, candles.take(trades))

    def _write_balances(self, executions: list[tuple[Any, ...]], transfers: list[tuple[Any, ...]]) -> None:
        connection, balances = self._connection, self._balances
        if unknown := balances.unknown(executions, transfers):
            users = sorted(unknown)
            holdings = read_rows(connection, schema.holding, ("user",), users)
            purses = read_rows(connection, schema.purse, ("user",), users)
            balances.read(users, [HoldingRow._make(row) for row in holdings], [PurseRow._make(row) for row in purses])
        changed_holdings, changed_purses = balances.take(executions, transfers)
        upsert_rows(connection, schema.holding, changed_holdings)
        upsert_rows(connection, schema.purse, changed_purses)

    def _keep_balances(self, history: int, position: int, day: str) -> None:
        """Keep all accounts as they are at a trading day's close."""
        purse, holding = schema.purse.c, schema.holding.c
        head: list[Any] = [literal(history), literal(position), literal(day)]
        money = select(*head, *[purse.user, purse.currency, purse.amount, literal(0), literal(0)])
        lots = select(*head, *[holding.user, holding.instrument, holding.lots, holding.cost, holding.result])
        names = [column.name for column in schema.balance_eod.columns]
        for rows in (money, lots):
            self._connection.execute(insert(schema.balance_eod).from_select(names, rows))

    def _write_block(self, draft: Draft, data: bytes, sealed: SealedBlock) -> None:
        values = draft.span()._asdict() | {"encoding": ENCODING, "data": data} | sealed._asdict()
        row = tuple(values[column.name] for column in schema.block.columns)
        insert_rows(self._connection, schema.block, [row])

    def _make_state_anew(self) -> None:
        """Compute purses, holdings and candles again, from all records that are current; O(those)."""
        connection = self._connection
        for table in (schema.purse, schema.holding, schema.candle_1m):
            connection.execute(table.delete())
        self._remember()
        behind = self._last_gap()
        for executions, trades, transfers in self._current_rows():
            self._write_candles(trades)
            moves = [[row for row in rows if row[:2] > behind] for rows in (executions, transfers)]
            self._write_balances(*moves)

    def _last_gap(self) -> tuple[int, int]:
        """Begin accounts behind the last gap that is current, as the store had them; (0, 0): none."""
        table, gap = schema.gap_account, schema.gap
        ends = sorted(self._connection.execute(select(gap.c.history, gap.c.until_position).distinct()).all())
        for history, position in reversed([end for end in ends if self._is_current(*end)]):
            place = table.c.history == history, table.c.position == position
            rows = self._connection.execute(select(table).where(*place)).all()
            if not rows:
                continue
            terms = self._balances.terms
            holdings = [
                HoldingRow(row.user, row.asset, row.amount, row.cost, 0, position) for row in rows if row.asset in terms
            ]
            purses = [PurseRow(row.user, row.asset, row.amount, position) for row in rows if row.asset not in terms]
            upsert_rows(self._connection, schema.holding, holdings)
            upsert_rows(self._connection, schema.purse, purses)
            self._balances.keeps_accounts |= bool(purses)
            return history, position
        return 0, 0

    def _is_current(self, history: int, position: int) -> bool:
        row = self.histories.get(history)
        return row is not None and (row.until_position is None or position <= row.until_position)

    def _list_instruments(self, after: WriterPlace, standing: MarketStanding) -> None:
        """Write definitions that the record lacks, where the gap ends: their own rows are within it."""
        current = [(row.number, row.until_position) for row in self.histories.values()]
        known = instrument_terms(self._connection, current)
        lacking = [each for each in standing.listing if each.symbol not in known]
        rows = [
            (after.history, after.position, ordinal, each.symbol, to_json(each)) for ordinal, each in enumerate(lacking)
        ]
        insert_rows(self._connection, schema.instrument, rows)

    def _current_rows(self) -> Iterator[tuple[list[tuple[Any, ...]], ...]]:
        """Yield the rows of executions, trades and transfers that are current, in order, some positions at a time."""
        for row in sorted(self.histories.values(), key=lambda each: each.number):
            last = row.until_position if row.until_position is not None else self._last_position(row.number)
            for first in range(row.from_position, max(last, row.from_position), REBUILD_POSITIONS):
                until = min(first + REBUILD_POSITIONS, last)
                yield tuple(
                    [
                        tuple(found)
                        for found in self._connection.execute(
                            select(table)
                            .where(table.c.history == row.number, table.c.position > first, table.c.position <= until)
                            .order_by(table.c.position, table.c.ordinal)
                        )
                    ]
                    for table in (schema.execution, schema.trade, schema.transfer)
                )

    def _last_position(self, history: int) -> int:
        table = schema.packet
        found = self._connection.execute(
            select(table.c.position).where(table.c.history == history).order_by(table.c.position.desc()).limit(1)
        ).scalar()
        return int(found or 0)

    @contextmanager
    def _transaction(self, what: str) -> Iterator[None]:
        try:
            with self._connection.begin():
                yield
        except _REFUSED as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            raise RecordRefused(f"the database refuses a row of packet {what}: {reason}") from error


def try_lock(connection: Connection, shard: int) -> bool:
    """Take the lock of a shard's only writer, for as long as the connection lives; SQLite has none."""
    if connection.dialect.name != "postgresql":
        return True
    with connection.begin():
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:c, :s)"), {"c": LOCK_CLASS, "s": shard})
        return bool(taken.scalar())
