"""The first tables, with their triggers, views and rights."""

from __future__ import annotations

from alembic import op

from services.ledger.aio.ledger_ddl import make_rest
from services.ledger.schema import SCHEMA_VERSION, ledger_info, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything."""
    connection = op.get_bind()
    metadata.create_all(connection, checkfirst=False)
    connection.execute(ledger_info.insert(), [{"name": "schema_version", "value": str(SCHEMA_VERSION)}])
    make_rest(connection)
