"""Updates at a rate, into whatever server: a thread on the timetable, and how each kind of server takes an update.

An update bears the time at which it was due, not the time at which the server was ready to take it: a server that
makes its publisher wait is late, and its users see it.
"""

from __future__ import annotations

import abc
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from benchmarks.fan_out.mark import marked

SEND_SECONDS_MAX: Final = 5.0
"""A server that takes nothing for so long has stalled."""
BURST_UPDATES_MAX: Final = 256
"""Updates written at once, by a publisher that was made to wait; the rest comes with the next write."""
NAP_SECONDS: Final = 0.0005
"""Shortest sleep: at high rates several updates are due after each."""
_READ_BYTES: Final = 1 << 16


class Sink(abc.ABC):
    """
    A connection that takes updates; a context manager that closes it.

    Args:
        port: Of 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SEND_SECONDS_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @abc.abstractmethod
    def encode(self, payload: bytes) -> bytes:
        """Return what is written for one update."""

    def send(self, payloads: Sequence[bytes]) -> None:
        """
        Write updates, in order.

        Raises:
            OSError: If the server has stalled or gone.
        """
        self._socket.sendall(b"".join(map(self.encode, payloads)))

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FeedSink(Sink):
    """The FEED of our own small servers (`servers.feed`)."""

    def encode(self, payload: bytes) -> bytes:
        """Put the length before it."""
        return struct.pack(">I", len(payload)) + payload


class Publisher:
    """
    Publishes at a rate, from its making until `stop`.

    Args:
        open_sink: Connects to the server.
        rate: Updates a second.
        size: Bytes of a payload.
        first: Counter of the first update.
    """

    def __init__(self, open_sink: Callable[[], Sink], rate: float, size: int, first: int) -> None:
        self.failure: OSError | None = None
        """Why it ended before it was stopped."""
        self.next_counter = first
        """Of the next update."""
        self._open_sink = open_sink
        self._rate = rate
        self._size = size
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; nothing is published when this returns."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._open_sink() as sink:
                self._publish(sink)
        except OSError as error:
            self.failure = error

    def _publish(self, sink: Sink) -> None:
        first, began, began_us = self.next_counter, time.monotonic(), time.time_ns() // 1000
        while not self._stopping.is_set():
            sent = self.next_counter - first
            due = int((time.monotonic() - began) * self._rate) + 1
            count = min(due - sent, BURST_UPDATES_MAX)
            if count > 0:
                times = (began_us + int((sent + i) * 1e6 / self._rate) for i in range(count))
                sink.send([marked(self.next_counter + i, at, self._size) for i, at in enumerate(times)])
                self.next_counter += count
            else:
                time.sleep(max(NAP_SECONDS, began + due / self._rate - time.monotonic()))
