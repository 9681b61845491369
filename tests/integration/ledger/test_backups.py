"""The record is backed up while it is written, put back elsewhere, and goes on from the place that the backup has."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.ledger.small_ledger import SmallLedger, sqlite_ledger
from tests.integration.ledger.test_exactly_once import market_of
from tests.real_postgres import RealPostgres, postgres_folder


def test_a_copy_of_sqlite_is_of_one_moment_and_goes_on(tmp_path: Path) -> None:
    """By SQLite's own backup, as `.backup` makes it, while a writer has the file open and in use."""
    market, ledger, whole = market_of(5), sqlite_ledger(tmp_path, "ledger"), sqlite_ledger(tmp_path, "whole")
    half = len(market.feed) // 2
    assert ledger.record(market.feed[:half], market.entries)
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(str(ledger.url.database))) as writing, closing(sqlite3.connect(copy)) as backup:
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("DELETE FROM candle_1m")  # not committed, so not in the backup
        with closing(sqlite3.connect(str(ledger.url.database))) as reading:
            reading.backup(backup)
        writing.rollback()
    restored = SmallLedger(f"sqlite:///{copy}", makes_tables=False)
    assert restored.tables() == ledger.tables()
    assert restored.record(market.feed, market.entries)
    assert whole.record(market.feed, market.entries)
    assert restored.tables() == whole.tables()


@pytest.fixture
def other_url(postgres: RealPostgres) -> Iterator[str]:
    name = f"restored_{secrets.token_hex(6)}"
    yield postgres.make_database(name)
    postgres.drop_database(name)


def test_a_dump_of_postgresql_is_put_back_and_goes_on(
    tmp_path: Path, postgres: RealPostgres, postgres_url: str, other_url: str
) -> None:
    """`pg_dump -Fc` and `pg_restore`, with partitions, triggers and views; nothing of it is lost."""
    folder = postgres_folder()
    assert folder is not None
    programs = [folder / name for name in ("pg_dump", "pg_restore")]
    if not all(program.exists() for program in programs):
        found = [shutil.which(name) for name in ("pg_dump", "pg_restore")]
        if None in found:
            pytest.skip("no pg_dump beside this PostgreSQL: apt-get install postgresql-client")
        programs = [Path(str(each)) for each in found]
    market, ledger, whole = market_of(6), SmallLedger(postgres_url), sqlite_ledger(tmp_path, "whole")
    half = len(market.feed) // 2
    assert ledger.record(market.feed[:half], market.entries)
    dump = subprocess.run([programs[0], "-Fc", "-d", postgres_url], check=True, capture_output=True).stdout
    restoring = [programs[1], "-d", other_url, "--exit-on-error"]
    subprocess.run(restoring, input=dump, check=True, capture_output=True)
    restored = SmallLedger(other_url, makes_tables=False)
    assert restored.tables() == ledger.tables()
    assert restored.record(market.feed, market.entries)
    assert whole.record(market.feed, market.entries)
    assert restored.tables() == whole.tables()
    with restored.reading() as connection, pytest.raises(Exception, match="never changed"):
        connection.exec_driver_sql("UPDATE execution SET price = price + 1")
