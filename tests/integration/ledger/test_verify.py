"""A record that was changed by hand is found, and what was changed is named; one that was not is clean."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.aio.verify_run import verify
from outcry.time_machine.past_market import market_at, market_at_position
from outcry.time_machine.unrecorded import NotRecorded, OtherRelease
from services.ledger import schema
from tests.integration.ledger.recorded_day import DAY_MS, KEYS, recorded_in, whole_day
from tests.integration.ledger.small_ledger import SALTS


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    recorded_in(f"sqlite:///{path}", whole_day(2))
    with closing(sqlite3.connect(path)) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("PRAGMA journal_mode=DELETE")
    return path


@pytest.fixture
def ledger(untouched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(untouched, tmp_path / "ledger.sqlite"))


def found_in(path: Path, **options: Any) -> list[tuple[str, str]]:
    found = verify(f"sqlite:///{path}", salts=SALTS, keys=KEYS, **options)
    return [(each.table, each.field) for each in found.findings]


def test_a_ledger_that_nobody_touched_is_clean(ledger: Path) -> None:
    found = verify(f"sqlite:///{ledger}", salts=SALTS)
    assert found.findings == []
    assert found.summary().startswith("clean: 1 day, ")
    with closing(sqlite3.connect(ledger)) as database:
        for table in schema.RECORDS:
            count = database.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]
            assert count or table.name == "access", f"the day has no {table.name}"


def test_jobs_and_parts_find_the_same(ledger: Path) -> None:
    whole = verify(f"sqlite:///{ledger}", salts=SALTS)
    apart = verify(f"sqlite:///{ledger}", salts=SALTS, jobs=2)
    assert apart[1:7] == whole[1:7]
    late = verify(f"sqlite:///{ledger}", salts=SALTS, from_us=(DAY_MS + 10 * 3_600_000) * 1000)
    assert late.is_clean
    assert late.commands < whole.commands


def changed(value: Any) -> Any:
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
    return value + 1 if isinstance(value, int) else f"{value}x"


ONE_BY_ONE = ("packet", "block", "mark", "place", "history")
ROWS = [table for table in schema.RECORDS if table.name not in (*ONE_BY_ONE, "access", "balance_eod")]


@pytest.mark.parametrize("table", ROWS, ids=lambda table: table.name)
def test_each_column_of_a_row_that_was_changed_is_named(ledger: Path, table: sa.Table) -> None:
    """The changes of one row at once, half of its columns at a time: no more than twenty are named."""
    key = [column.name for column in table.primary_key]
    columns = [column.name for column in table.columns if column.name not in key]
    with closing(sqlite3.connect(ledger)) as database:
        database.row_factory = sqlite3.Row
        row = database.execute(f"SELECT * FROM {table.name} ORDER BY position LIMIT 1 OFFSET 1").fetchone() or (
            database.execute(f"SELECT * FROM {table.name}").fetchone()
        )
        where = " AND ".join(f'"{name}" = ?' for name in key)
        for part in (columns[::2], columns[1::2]):
            if not part:
                continue
            with database:
                names = ", ".join(f'"{name}" = ?' for name in part)
                values = [1 - row[name] if name == "discreet" else changed(row[name]) for name in part]
                database.execute(f"UPDATE {table.name} SET {names} WHERE {where}", [*values, *[row[n] for n in key]])
            assert {(table.name, name) for name in part} <= set(found_in(ledger))
            with database:
                values = [row[name] for name in part]
                database.execute(f"UPDATE {table.name} SET {names} WHERE {where}", [*values, *[row[n] for n in key]])
        with database:
            database.execute(f"DELETE FROM {table.name} WHERE {where}", [row[name] for name in key])
        assert (table.name, "") in found_in(ledger)


@pytest.mark.parametrize("table", ["purse", "holding", "candle_1m", "place"])
def test_what_the_ledger_says_of_now_follows_from_the_record_too(ledger: Path, table: str) -> None:
    names = {
        "purse": ["amount"],
        "holding": ["lots", "cost"],
        "place": ["feed_id", "block", "chain"],
        "candle_1m": ["high", "value"],
    }
    for name in names[table]:
        with closing(sqlite3.connect(ledger)) as database, database:
            database.row_factory = sqlite3.Row
            row = database.execute(f"SELECT * FROM {table} ORDER BY 1, 2 LIMIT 1 OFFSET 1").fetchone() or (
                database.execute(f"SELECT * FROM {table}").fetchone()
            )
            where, key = f'"{row.keys()[0]}" = ? AND "{row.keys()[1]}" = ?', [row[0], row[1]]
            update = f'UPDATE {table} SET "{name}" = ? WHERE {where}'
            database.execute(update, [changed(row[name]), *key])
        assert (table, name) in found_in(ledger)
        with closing(sqlite3.connect(ledger)) as database, database:
            database.execute(update, [row[name], *key])


SINGLE = [
    *((schema.packet, name) for name in ("position", "prev", "term", "time", "sha256")),
    *((schema.block, name) for name in ("first_ms", "encoding", "data", "salt_id", "pieces", "root", "chain")),
    *((schema.block, name) for name in ("number", "last_position", "tree_root", "signature")),
    *((schema.mark, name) for name in ("history", "log_id", "engine_version", "data")),
]
"""One a kind; `published` is a measurement, from which nothing follows."""


@pytest.mark.parametrize(("table", "column"), SINGLE, ids=lambda part: getattr(part, "name", part))
def test_a_changed_packet_block_or_mark_is_named(ledger: Path, table: sa.Table, column: str) -> None:
    with closing(sqlite3.connect(ledger)) as database, database:
        order = "position" if table.name != "block" else "number"
        key = [each.name for each in table.primary_key]
        where = " AND ".join(f'"{name}" = ?' for name in key)
        rows = database.execute(f'SELECT {", ".join(key)}, "{column}" FROM {table.name} ORDER BY {order}').fetchall()
        *chosen, value = rows[len(rows) // 2]
        database.execute(f'UPDATE {table.name} SET "{column}" = ? WHERE {where}', [changed(value), *chosen])
    if column == "engine_version":
        with pytest.raises(OtherRelease, match="use a release that knows 2"):
            found_in(ledger)
        return
    assert table.name in {name for name, _ in found_in(ledger)}


def test_before_the_first_command_there_is_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    recorded_in(url, whole_day(1), marks=(1,))
    assert verify(url, salts=SALTS).is_clean, "it begins with the market, whatever its first mark is"
    with pytest.raises(NotRecorded, match=r"begins at position 0, 2026-11-20T08:00:01Z"):
        market_at(LedgerRecord(reading_engine(url)), (DAY_MS - 1) * 1000)


def test_a_record_in_postgresql_is_verified_and_asked_the_same_way(postgres_url: str) -> None:
    recorded_in(postgres_url, whole_day(2))
    for jobs in (1, 2):
        assert verify(postgres_url, salts=SALTS, keys=KEYS, jobs=jobs).findings == []
    with LedgerRecord(reading_engine(postgres_url)) as record:
        past = market_at_position(record, 37, ["ACME"])
    assert past.compared["ACME"].digest == past.engine.instruments["ACME"].book.digest
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger refuses it
        connection.execute("UPDATE trade SET price = price + 1 WHERE trade_id = 2")
    assert [(each.table, each.field) for each in verify(postgres_url).findings] == [("trade", "price")]


def test_in_a_gap_nothing_is_made_up(ledger: Path) -> None:
    """Its bounds are told, and behind it the market goes on from the mark there."""
    with closing(sqlite3.connect(ledger)) as database, database:
        [(until,)] = database.execute("SELECT position FROM mark ORDER BY position LIMIT 1 OFFSET 1").fetchall()
        lost = "last_position <= ? AND first_position > 21"
        (first,) = database.execute(f"SELECT min(first_position) FROM block WHERE {lost}", [until]).fetchone()
        database.execute(f"DELETE FROM block WHERE {lost}", [until])
        database.execute("INSERT INTO gap VALUES (1, ?, ?, 'lost', 0, 0)", [first - 1, until])
    with LedgerRecord(reading_engine(f"sqlite:///{ledger}")) as record:
        assert market_at_position(record, first - 1).position == first - 1
        assert market_at_position(record, until).mark_position == until
        bounds = rf"a gap: positions {first} to {until}, 2026-11-20T.*Z to 2026-11-20T.*Z; what happened"
        with pytest.raises(NotRecorded, match=bounds):
            market_at_position(record, first)
