"""How fast the ledger writes: events a second catching up, into both databases, and what the proofs cost of it."""
