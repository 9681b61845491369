"""The services' messages to each other through the store: the command log, the feed and the snapshots."""
