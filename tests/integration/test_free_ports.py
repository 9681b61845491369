"""Ports that are kept for servers started a moment later."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest

from outcry.stack.aio.free_ports import free_neighbours, free_ports
from outcry.stack.options import HOST


def listening(port: int) -> socket.socket:
    """Listen as our servers do."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen()
    return listener


@pytest.mark.skipif(sys.platform != "linux", reason="how ports are given out is the system's")
def test_a_kept_port_is_given_to_nobody_else() -> None:
    """Whoever asks for any free port gets others, as often as he asks, and so does whoever connects."""
    ports = set(free_ports(500))
    assert len(ports) == 500
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(socket.socket()) for _ in range(400)]
        for number, other in enumerate(others):
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, number % 2)
            other.bind((HOST, 0))
        assert not ports & {other.getsockname()[1] for other in others}


def test_our_server_listens_on_its_kept_port_and_nobody_does_before() -> None:
    (port,) = free_ports(1)
    with pytest.raises(ConnectionRefusedError), socket.create_connection((HOST, port), 5):
        pass
    with listening(port), socket.create_connection((HOST, port), 5):
        pass


def test_neighbours_lie_side_by_side_and_pass_over_what_is_taken() -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            first = free_neighbours(3)
            for port in range(first, first + 3):
                stack.enter_context(listening(port))
