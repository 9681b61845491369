"""Values that no ledger writes: whoever reads the record names them, and never fails for them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from outcry.cli.app import app
from outcry.time_machine.aio.verify_run import verify
from outcry.time_machine.unrecorded import DamagedRecord
from tests.integration.ledger.recorded_day import recorded_in, whole_day
from tests.integration.ledger.small_ledger import SALTS


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    recorded_in(f"sqlite:///{path}", whole_day(1))
    with closing(sqlite3.connect(path)) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("PRAGMA journal_mode=DELETE")
    return path


@pytest.fixture
def ledger(untouched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(untouched, tmp_path / "ledger.sqlite"))


def change(path: Path, table: str, column: str, value: Any) -> None:
    """Change the first row."""
    with closing(sqlite3.connect(path)) as database, database:
        keys = [row[1] for row in database.execute(f"PRAGMA table_info({table})").fetchall() if row[5]]
        names = ", ".join(f'"{key}"' for key in keys)
        first = database.execute(f"SELECT {names} FROM {table} LIMIT 1").fetchone()
        where = " AND ".join(f'"{key}" = ?' for key in keys)
        database.execute(f'UPDATE {table} SET "{column}" = ? WHERE {where}', [value, *first])


def named(path: Path) -> set[tuple[str, str]]:
    try:
        return {(each.table, each.field) for each in verify(f"sqlite:///{path}", salts=SALTS).findings}
    except DamagedRecord as damaged:
        return {(damaged.finding.table, damaged.finding.field)}


def outcry(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("place", "time", "noon"),
        ("place", "history", 1.5),
        ("history", "from_position", "zero"),
        ("block", "data", 2**62),
        ("block", "number", b"\xff"),
        ("block", "root", "text"),
        ("block", "tree_root", 7),
        ("packet", "position", "first"),
        ("mark", "data", -1),
        ("mark", "engine_version", "one"),
        ("execution", "ordinal", b"\xfe"),
        ("trade", "price", 0.5),
        ("candle_1m", "start", "dawn"),
        ("purse", "position", "here"),
    ],
)
def test_a_value_of_another_type_is_named(ledger: Path, table: str, column: str, value: Any) -> None:
    """SQLite takes a text for a whole number. Each of these was a traceback of two pages."""
    change(ledger, table, column, value)
    assert any(found[0] == table for found in named(ledger))
    for command in (("ledger", "verify", "--jobs", 1), ("book", "ACME", "--at", "2026-11-20T09:00:30Z")):
        result = outcry(*command, "--database", f"sqlite:///{ledger}")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output


@pytest.mark.parametrize(
    ("table", "column", "value", "found"),
    [
        ("history", "until_position", 5, ("history", "until_position")),
        ("history", "shard", 3, ("history", "shard")),
        ("history", "from_position", 5, ("history", "from_position")),
        ("history", "parent", 1, ("history", "parent")),
        ("place", "history", 7, ("history", "number")),
        ("place", "position", 0, ("place", "position")),
        ("place", "block", 0, ("place", "block")),
        ("place", "block", 1, ("place", "block")),
        ("ledger_info", "value", "strangers", ("block", "chain")),
        ("mark", "log_id", "x", ("mark", "log_id")),
        ("balance_eod", "trading_day", "2026-11-21", ("balance_eod", "")),
        ("balance_eod", "position", 3, ("balance_eod", "")),
        ("balance_eod", "amount", 1, ("balance_eod", "amount")),
        ("balance_eod", "cost", 1, ("balance_eod", "cost")),
        ("balance_eod", "result", 1, ("balance_eod", "result")),
        ("holding", "result", 1, ("holding", "result")),
    ],
)
def test_what_would_hide_a_part_of_the_record_is_named(
    ledger: Path, table: str, column: str, value: Any, found: tuple[str, str]
) -> None:
    """A history that ends earlier, or a place that is lower: nothing behind it is shown, or looked at."""
    change(ledger, table, column, value)
    assert found in named(ledger)
    outcry("book", "ACME", "--at", "2026-11-20T09:00:30Z", "--database", f"sqlite:///{ledger}")


def test_a_part_that_is_not_there_is_not_clean(ledger: Path, tmp_path: Path) -> None:
    """`--from` tomorrow was "clean: 0 commands", and a beginning behind the end a traceback."""
    database = ("--database", f"sqlite:///{ledger}", "--jobs", 1)
    for span, text in (
        (("--from", "2030-01-01"), "the ledger is at 2026-11-20T"),
        (("--to", "2000-01-01"), "the ledger begins at 2026-11-20T"),
        (("--from", "2026-11-20T10:00:00Z", "--to", "2026-11-20T09:00:00Z"), "--from: must be before --to"),
    ):
        result = outcry("ledger", "verify", *database, *span)
        assert (result.exit_code, text in result.stderr) == (2, True), result.output
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    for option in ("--key", "--salts"):
        assert outcry("ledger", "verify", *database, option, tmp_path / "key").exit_code == 2


@pytest.mark.parametrize("command", [("ledger", "verify"), ("book", "ACME", "--position", 1), ("ledger", "migrate")])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@127.0.0.1:port/db",
        "postgresql://u@127.0.0.1:1/db?password=hunter2",
        "hunter2",
        "sqlite://",
    ],
)
def test_a_wrong_address_is_told_without_its_password(command: tuple[object, ...], url: str) -> None:
    result = outcry(*command, "--database", url)
    assert isinstance(result.exception, SystemExit), result.output
    assert result.exit_code in (1, 2)
    assert "hunter2" not in result.output or url == "hunter2"
