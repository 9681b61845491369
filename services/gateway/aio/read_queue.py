"""Reads what clients have sent ahead, in turns.

A socket may bring tens of thousands of frames in one turn of the event loop. A connection reads a bounded slice of
them, stops reading its socket, and waits here for its next slice, behind all others that wait. So a flood delays
others' orders and heartbeats by one turn at most, and TCP makes the flooding client wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final, Protocol

from services.gateway.rate_limit import ReadingTime

FRAMES_MAX: Final = 64
"""Of one connection in one turn."""
BYTES_MAX: Final = 32 * 1024
"""Of one connection in one turn; one frame may pass it."""
TURN_S: Final = 0.003
"""Of all that wait, in one turn; the last request of it may pass it."""
SLICE_S_MIN: Final = 0.0002
"""Of one connection in one turn, however many wait."""


class Reader(Protocol):
    """A connection that may have sent ahead."""

    def read_on(self, until: float) -> bool:
        """
        Read a slice of what has come, up to `FRAMES_MAX`, `BYTES_MAX` and a time; return whether there may be more.

        Args:
            until: Monotonic seconds.
        """

    def pause_reading(self) -> None:
        """Read nothing more from the socket; a connection that has read everything goes on by itself."""

    def give_up(self) -> None:
        """End the connection at once: reading it failed."""


class ReadQueue:
    """
    All connections that wait. A new one goes first: nearly always that is an honest burst, and one slice reads it.

    Args:
        loop: Calls back for the next turn.
    """

    __slots__ = ("_fresh", "_loop", "_time", "_timer", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._time = ReadingTime(time.monotonic())
        self._fresh: deque[Reader] = deque()
        """Those that have had no slice of what they wait with."""
        self._waiting: deque[Reader] = deque()
        self._timer: asyncio.Handle | None = None

    def __len__(self) -> int:
        """Return how many connections wait."""
        return len(self._fresh) + len(self._waiting)

    def read(self, reader: Reader, now: float) -> None:
        """Let a connection, which waits for no slice yet, read what has come; at once if nobody waits."""
        queue = self._fresh
        if not len(self) and not self._time.wait_s(now):
            has_more = reader.read_on(now + TURN_S)
            self._time.spend(time.monotonic() - now)
            if not has_more:
                return
            queue = self._waiting
        reader.pause_reading()
        queue.append(reader)
        if self._timer is None:
            self._come_back()

    def close(self) -> None:
        """Forget everybody."""
        self._fresh.clear()
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _come_back(self) -> None:
        wait_s = self._time.wait_s(time.monotonic())
        self._timer = self._loop.call_later(wait_s, self._turn) if wait_s else self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._timer = None
        began = time.monotonic()
        slice_s = max(SLICE_S_MIN, TURN_S / max(1, len(self)))
        try:
            self._read_all(self._fresh, slice_s, began + TURN_S)
            self._read_all(self._waiting, slice_s, began + TURN_S)
        finally:  # whatever happened to one, the others are not to wait for ever
            self._time.spend(time.monotonic() - began)
            if len(self):
                self._come_back()

    def _read_all(self, queue: deque[Reader], slice_s: float, until: float) -> None:
        """Give each in a queue a slice, as long as there is time; the first one always has one."""
        for _ in range(len(queue)):
            self._read_one(queue.popleft(), time.monotonic() + slice_s)
            if time.monotonic() >= until:
                break

    def _read_one(self, reader: Reader, until: float) -> None:
        try:
            has_more = reader.read_on(until)
        except BaseException:
            reader.give_up()  # nobody would ever resume it
            raise
        if has_more:
            self._waiting.append(reader)
