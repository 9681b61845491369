"""The kit's sockets, clocks and tasks."""
