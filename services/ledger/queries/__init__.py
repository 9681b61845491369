"""What the ledger is asked: parameters, who sees what, statements, and how rows are written. Pure."""
