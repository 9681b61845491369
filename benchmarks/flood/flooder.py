"""Whoever floods: a process of its own, against 127.0.0.1 only, bounded in bytes and time.

It comes from an address of its own, reads and forgets what is answered, and whenever a connection is ended opens
another, until it has sent what it was to send.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.flood.kinds import Kind
from outcry.load.handshake import opening_request

SOURCE: Final = "127.0.0.2"
HOST: Final = "127.0.0.1"
READ_BYTES: Final = 256 * 1024
SEND_BUFFER_BYTES: Final = 128 * 1024
"""Of each of its sockets: what waits in the kernel waits on the gateway's own machine here, as no flood from outside
would."""
PAUSE_S: Final = 0.001
"""Before another connection is opened where one was ended."""


class Sent(NamedTuple):
    """What came of a flood."""

    seconds: float
    bytes: int
    opened: int
    """Connections that were begun."""
    ended: int
    """Those that the gateway ended."""
    statuses: dict[str, int]
    """HTTP status to the handshakes that were answered with it."""


class _Flooder:
    """One connection of the flood, and its successors."""

    def __init__(self, kind: Kind, port: int, token: str, bytes_max: int, selector: selectors.BaseSelector) -> None:
        self._kind = kind
        self._port = port
        self._request = opening_request(f"{HOST}:{port}", kind.path, token, os.urandom(16))
        if not token:
            self._request = self._request.replace(b"Authorization: Bearer ", b"X-Nothing: x")
        if not kind.ends_request:
            self._request = self._request[:-2]
        self._selector = selector
        self._left = bytes_max
        self._chunk = kind.chunk
        self._socket: socket.socket | None = None
        self._unsent = b""
        self._head = b""
        self._is_open = False
        self.opened = self.ended = self.sent = 0
        self.statuses: Counter[str] = Counter()
        self.opens_at = 0.0

    def open(self) -> None:
        self.opened += 1
        self._head, self._is_open = b"", False
        self._socket = socket.socket()
        self._socket.setblocking(False)  # noqa: FBT003
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._socket.bind((SOURCE, 0))
        self._socket.connect_ex((HOST, self._port))
        self._unsent = self._request
        self._selector.register(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    @property
    def is_between(self) -> bool:
        return self._socket is None

    def work(self, mask: int) -> None:
        try:
            if mask & selectors.EVENT_READ:
                self._read()
            if mask & selectors.EVENT_WRITE and self._socket is not None:
                self._write()
        except BlockingIOError:
            pass
        except OSError:
            self._end()

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _read(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(READ_BYTES)
        if not data:
            self._end()
        elif not self._is_open:
            self._head += data
            if b"\r\n\r\n" in self._head:
                status = self._head.split(b" ", 2)[1].decode()
                self.statuses[status] += 1
                self._is_open = True
                if self._kind.frame and status == "101":
                    self._unsent = self._kind.first + self._chunk
                    self._watch(selectors.EVENT_READ | selectors.EVENT_WRITE)
                else:
                    self._end()

    def _write(self) -> None:
        assert self._socket is not None
        if not self._unsent:
            if not self._is_open or self._left <= 0:
                self._watch(selectors.EVENT_READ)
                return
            self._unsent = self._chunk
        sent = self._socket.send(self._unsent)
        self._unsent = self._unsent[sent:]
        if self._is_open:
            self.sent += sent
            self._left -= sent

    def _watch(self, events: int) -> None:
        assert self._socket is not None
        self._selector.modify(self._socket, events, self)

    def _end(self) -> None:
        self.ended += 1
        self.close()
        self.opens_at = time.monotonic() + PAUSE_S


def flood(kind: Kind, port: int, tokens: Sequence[str], bytes_max: int, seconds: float) -> Sent:
    """
    Flood for so long.

    Args:
        kind: What with.
        port: Of a gateway on this machine.
        tokens: Taken in turn by the connections, if the kind has a token.
        bytes_max: Of one connection and its successors.
        seconds: Then it ends, whatever is unsent.
    """
    with selectors.DefaultSelector() as selector:
        flooders = [
            _Flooder(kind, port, _token(kind, tokens, number), bytes_max, selector)
            for number in range(kind.connections)
        ]
        began = time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            for flooder in flooders:
                if flooder.is_between and now >= flooder.opens_at:
                    flooder.open()
            for key, mask in selector.select(PAUSE_S):
                key.data.work(mask)
        took = time.monotonic() - began
        for flooder in flooders:
            flooder.close()
    statuses: Counter[str] = Counter()
    for flooder in flooders:
        statuses += flooder.statuses
    return Sent(
        took,
        sum(flooder.sent for flooder in flooders),
        sum(flooder.opened for flooder in flooders),
        sum(flooder.ended for flooder in flooders),
        dict(statuses),
    )


def _token(kind: Kind, tokens: Sequence[str], number: int) -> str:
    if not kind.has_token:
        return ""
    return tokens[number % len(tokens)] if kind.is_good_token else "no.good.token"
