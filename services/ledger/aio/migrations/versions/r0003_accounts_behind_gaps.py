"""Accounts as they were behind each gap of the record, for what is computed anew after a fork."""

from __future__ import annotations

from alembic import op

from services.ledger.schema import gap_account

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table, where the others are older than it is."""
    gap_account.create(op.get_bind(), checkfirst=True)
