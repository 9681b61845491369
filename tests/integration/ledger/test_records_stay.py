"""Records are never changed and never deleted, in either database; and each role may do its own work alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psycopg
import pytest
from sqlalchemy import text

from services.ledger.aio.database import database_url
from services.ledger.aio.migration import WrongTables, migrate
from services.ledger.schema import RECORDS
from tests.integration.ledger.small_ledger import SmallLedger, sqlite_ledger
from tests.integration.ledger.trading_log import trading_log
from tests.property.recorded_market import recorded
from tests.real_postgres import RealPostgres


def filled(ledger: SmallLedger) -> list[str]:
    """Write a market; return the record tables that have rows."""
    log = trading_log(Random(1), 90)
    market = recorded(log, set(range(0, 120, 3)))
    assert ledger.record(market.feed, market.entries)
    with ledger.reading() as connection:
        return [
            table.name for table in RECORDS if connection.execute(text(f"SELECT count(*) FROM {table.name}")).scalar()
        ]


def test_sqlite_refuses_every_change(tmp_path: Path) -> None:
    ledger = sqlite_ledger(tmp_path, "kept")
    names = filled(ledger)
    assert {"packet", "block", "execution", "trade", "transfer", "refusal", "admin_action"} <= set(names)
    stranger = sqlite3.connect(str(ledger.url.database))  # of whatever program, with no settings of ours
    for name in names:
        column = stranger.execute(f"SELECT name FROM pragma_table_info('{name}') LIMIT 1").fetchone()[0]
        for change in (
            f"UPDATE {name} SET {column} = {column}",
            f"DELETE FROM {name}",
            f"INSERT OR REPLACE INTO {name} SELECT * FROM {name}",
        ):
            with pytest.raises(sqlite3.IntegrityError, match=f"never changed: {name}"):
                stranger.execute(change)
    stranger.close()


@pytest.fixture
def roles(postgres: RealPostgres) -> Iterator[None]:
    for role in ("ledger_writer", "ledger_reader"):
        postgres.execute(f"CREATE ROLE {role} LOGIN")
    yield
    for role in ("ledger_writer", "ledger_reader"):
        postgres.execute(f"DROP OWNED BY {role}")


@pytest.mark.usefixtures("roles")
def test_postgres_refuses_every_change_and_roles_do_their_work_alone(postgres_url: str, postgres: RealPostgres) -> None:
    ledger = SmallLedger(postgres_url)
    assert migrate(ledger.url).roles_missing == ()
    writer = SmallLedger(postgres_url.replace("//outcry@", "//ledger_writer@"), makes_tables=False)
    names = filled(writer)
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        for name in names:
            column = owner.execute(
                f"SELECT attname FROM pg_attribute WHERE attrelid = '{name}'::regclass AND attnum = 1"
            )
            [key] = column.fetchone() or ()
            partitions = owner.execute(
                f"SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = '{name}'::regclass"
            )
            changes = [f"UPDATE {name} SET {key} = {key}", f"DELETE FROM {name}", f"TRUNCATE {name}"]
            changes += [f"TRUNCATE {partition}" for (partition,) in partitions]
            for change in changes:
                with pytest.raises(psycopg.IntegrityError, match="never changed"):
                    owner.execute(change)  # type: ignore[call-overload]  # psycopg asks for a literal
    with psycopg.connect(postgres_url.replace("//outcry@", "//ledger_reader@"), autocommit=True) as reader:
        assert reader.execute("SELECT count(*) > 0 FROM execution").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM purse")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT ledger_make_partitions(7, 0)")
    with psycopg.connect(postgres_url.replace("//outcry@", "//ledger_writer@"), autocommit=True) as service:
        for change in ("DROP TABLE execution", "DELETE FROM execution", "ALTER TABLE packet ADD COLUMN x int"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(change)


def test_another_programs_table_is_named_and_nothing_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE trade (mine TEXT)")
    other.commit()
    with pytest.raises(WrongTables, match="table trade is there and is not the ledger's"):
        migrate(database_url(f"sqlite:///{file}"))
    assert other.execute("SELECT count(*) FROM trade").fetchone() == (0,)
    assert [name for (name,) in other.execute("SELECT name FROM sqlite_master")] == ["trade"]
    other.close()
