"""The services; each is started alone, and none imports another."""
