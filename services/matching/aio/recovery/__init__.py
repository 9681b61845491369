"""Recovery with sockets and processes: takeover, standby, the store's checkpoints and who writes them."""
