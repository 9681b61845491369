"""What the ledger can be asked, as documents: OpenAPI, and a table for people."""
