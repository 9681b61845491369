"""What the ledger's record is for: the market as it was at any moment, and the proof that the record is true.

Owns everything that needs both the ledger's tables and an engine: replay from a mark, the answers about books, accounts
and rules of the past, the verification of the whole record, and a past day played again. Leaves writing the tables to
`services.ledger`. The root is pure: what it reads it is given by a `record.Record`; the database is in `aio`.
"""
