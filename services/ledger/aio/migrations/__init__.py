"""Revisions of the ledger's tables. They only add: a column, a table, a view."""
