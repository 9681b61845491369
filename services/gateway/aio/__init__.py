"""The gateway's sockets, clocks and loops."""
