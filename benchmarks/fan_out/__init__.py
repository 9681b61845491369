"""One update to many users: what a delivery costs this exchange, its peers, and a bare loop of `send`."""
