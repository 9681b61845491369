"""The ledger's database, store, sockets, clocks and loops."""
