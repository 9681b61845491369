"""The users' running parts: one connection, and the fleet of one process."""
