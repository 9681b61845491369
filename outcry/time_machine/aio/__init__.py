"""The time machine's ways to the ledger's database, to other processes, and into a market of its own."""
