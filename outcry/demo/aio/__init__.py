"""The demo's run, and `outcry up`."""
