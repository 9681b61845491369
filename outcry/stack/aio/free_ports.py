"""Ports for servers that are started a moment later: nobody else is given them meanwhile.

A port that was merely free when somebody looked may go to anyone who asks the system for any port, before the server
that it is for listens there. So each is kept: a connection on it has just been closed, at the server's end. For a
minute, on Linux, the system gives such a port to nobody who asks for any, and lets a server listen there that names it
and says SO_REUSEADDR, as all ours do.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Final

from outcry.stack.options import HOST
from shared.store_errors import StoreUnavailable

ANSWER_SECONDS_MAX: Final = 5.0
NEIGHBOUR_ATTEMPTS_MAX: Final = 100
"""A first port whose neighbour is taken is given up, so often."""


def free_ports(count: int) -> list[int]:
    """Return different ports of 127.0.0.1 that nobody listens on, kept for us. Costs 0.1 ms each."""
    return [_kept(0) for _ in range(count)]


def free_neighbours(count: int) -> int:
    """
    Return the first of so many ports in a row, kept like those of `free_ports`.

    Raises:
        StoreUnavailable: If NEIGHBOUR_ATTEMPTS_MAX attempts found none.
    """
    for _ in range(NEIGHBOUR_ATTEMPTS_MAX):
        first = _kept(0)
        with contextlib.suppress(OSError, OverflowError):  # somebody listens there, or 65535 was the last
            for port in range(first + 1, first + count):
                _kept(port)
            return first
    raise StoreUnavailable(f"no {count} neighbouring ports are free")


def _kept(port: int) -> int:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
        address: tuple[str, int] = listener.getsockname()
        with socket.create_connection(address, ANSWER_SECONDS_MAX) as client:
            ours = client.getsockname()
            caller = None
            while caller != ours:  # an old client of this port may come between
                connection, caller = listener.accept()
                connection.close()
            client.recv(1)
        return address[1]
