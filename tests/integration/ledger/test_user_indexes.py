"""What a user asks for is read from an index, in the order of the page, whatever the size of the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Select, text

from services.ledger import schema
from services.ledger.aio.database import open_engine
from services.ledger.aio.migration import migrate, newest_revision
from services.ledger.queries.lineage import Branch, Lineage
from services.ledger.queries.position_query import result_statement
from services.ledger.queries.record_catalogue import PAGED
from services.ledger.queries.record_query import Asked, record_statement
from services.ledger.queries.viewer import Viewer
from tests.integration.ledger.small_ledger import SmallLedger
from tests.ledger_market import ledger_engine

ROWS, USERS = 20_000, 10
EXECUTIONS = next(query for query in PAGED if query.path == "executions")
ANN = Viewer("u-7", sees_all=False, instruments=None, listed=frozenset({"ACME"}))
EVE = ANN._replace(user="eve", sees_all=True)
LINEAGE = Lineage((Branch(1, None),))
_VALUES = {"user": "'u-' || (n % :users)", "asset": "'ACME'", "instrument": "'ACME'", "trading_day": "'2026-11-20'"}


def fill(connection: Connection, table: Any, rows: int = ROWS) -> None:
    """Write rows of many users, one a position."""
    numbers = (
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows) "
        if connection.dialect.name == "sqlite"
        else "WITH numbers(n) AS (SELECT generate_series(1, :rows)) "
    )
    values = []
    for column in table.columns:
        plain = "''" if column.type.python_type is str else "1"
        values.append(
            {"position": "n", "history": "1", "ordinal": "0"}.get(column.name, _VALUES.get(column.name, plain))
        )
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    select = f"SELECT {', '.join(values)} FROM numbers"
    insert = f"INSERT INTO {table.name} ({columns}) "
    whole = numbers + insert + select if connection.dialect.name == "sqlite" else insert + numbers + select
    connection.execute(text(whole), {"rows": rows, "users": USERS})


def plan(connection: Connection, statement: Select[Any]) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    written = statement.compile(connection, compile_kwargs={"literal_binds": True})
    return "\n".join(" ".join(map(str, row)) for row in connection.exec_driver_sql(f"{explain} {written}"))


def asked(viewer: Viewer, **values: Any) -> Asked:
    return Asked(viewer, LINEAGE, values)


STATEMENTS = {
    "own": lambda: record_statement(EXECUTIONS, asked(ANN), None).limit(101),
    "own, behind a row": lambda: record_statement(EXECUTIONS, asked(ANN), (1, 900, 0)).limit(101),
    "own, newest first": lambda: record_statement(EXECUTIONS, asked(ANN, order="desc"), None).limit(101),
    "a user's, for an auditor": lambda: record_statement(EXECUTIONS, asked(EVE, user="u-9"), None).limit(101),
}


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('indexes') / 'ledger.db'}"
    else:
        url = request.getfixturevalue("postgres").make_database("user_indexes")
    engine = ledger_engine(url)
    with engine.connect() as found, found.begin():
        for table in (schema.execution, schema.balance_eod):
            fill(found, table)
        if request.param == "postgresql":
            found.exec_driver_sql("ANALYZE")
    engine.dispose()  # statistics are read with the schema
    with engine.connect() as found:
        yield found
    engine.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop_database("user_indexes")


@pytest.mark.parametrize("which", STATEMENTS)
def test_a_users_executions_are_read_from_the_index_in_order(connection: Connection, which: str) -> None:
    statement = STATEMENTS[which]()
    told = plan(connection, statement)
    assert len(connection.execute(statement).all()) == 101
    index = "execution_of_user" if connection.dialect.name == "sqlite" else "history_user_position_ordinal_idx"
    assert index in told, told
    for passed_by in ("SCAN rows", "Seq Scan on execution_h1_p0", "TEMP B-TREE"):
        assert passed_by not in told, told


def test_a_users_results_are_read_from_the_index(connection: Connection) -> None:
    collation = "BINARY" if connection.dialect.name == "sqlite" else "C"
    told = plan(connection, result_statement(asked(ANN)._replace(collation=collation), None).limit(101))
    assert "balance_eod_of_user" in told, told


def test_a_ledger_of_the_release_before_gets_them(tmp_path: Path) -> None:
    ledger = SmallLedger(f"sqlite:///{tmp_path}/ledger.db")
    engine = open_engine(ledger.url, writes=True)
    names = text("SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE '%user%' ORDER BY 1")
    with engine.connect() as older, older.begin():
        for name in ("execution_of_user", "balance_eod_of_user"):
            older.exec_driver_sql(f"DROP INDEX {name}")
        older.exec_driver_sql("CREATE INDEX execution_user ON execution (history, user, user_seq)")
        older.exec_driver_sql("UPDATE ledger_migration SET version_num = '0001'")
    assert migrate(ledger.url)[:2] == ("0001", newest_revision())
    with ledger.reading() as connection:
        assert connection.execute(names).scalars().all() == ["balance_eod_of_user", "execution_of_user", "refusal_user"]
    engine.dispose()
