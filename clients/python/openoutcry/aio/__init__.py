"""The client's sockets, clocks and tasks."""
