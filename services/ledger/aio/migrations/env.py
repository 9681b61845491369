"""Alembic's entry: runs the revisions on the connection that `migration` gives."""

from __future__ import annotations

from alembic import context

from services.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table="ledger_migration"
)
with context.begin_transaction():
    context.run_migrations()
