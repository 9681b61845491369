"""What a user asks for is found by the user: executions in the order of the record, and balances at closes."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import Connection, Index

from services.ledger.schema import BALANCE_USER, EXECUTION_USER

revision = "0002"
down_revision = "0001"
FORMER: Final = "execution_user"
"""By `user_seq`, which no query asks for."""
_SHAPE: Final = (
    ("execution", "execution", "10000000 5000000 2 1"),
    ("execution", EXECUTION_USER.name, "10000000 5000000 2000 2 1"),
    ("execution", "execution_order", "10000000 5000000 3"),
    ("balance_eod", "balance_eod", "1000000 500000 2000 2000 2 1"),
    ("balance_eod", BALANCE_USER.name, "1000000 1000 250 125 1"),
)
"""
What SQLite believes of the tables: rows, then rows that agree in the first column, in the first two, and so on.

Without it, it takes an index of two columns for no better than the primary key's first, and looks for a user's rows
among everybody's. Orders of magnitude are enough, and nobody has to run ANALYZE.
"""


def upgrade() -> None:
    """Make the indexes, where the tables are older than they are; O(executions)."""
    connection = op.get_bind()
    connection.exec_driver_sql(f"DROP INDEX IF EXISTS {FORMER}")
    made: tuple[Index, ...] = (EXECUTION_USER, BALANCE_USER)
    for index in made:
        index.create(connection, checkfirst=True)
    if connection.dialect.name == "sqlite":
        _tell_shape(connection)


def _tell_shape(connection: Connection) -> None:
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # makes the table of statistics, and looks at no row of ours
    for row in _SHAPE:
        connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl = ? AND idx = ?", row[:2])
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", row)
