"""Connections without an answer: bounded while their HTTP requests are on the way, answered in turns when complete.

A connection that never finishes its request holds room; so the oldest of too many is aborted.

A handshake with a token costs half a millisecond, `/metrics` several. Of hundreds that come at once only a slice is
answered in one turn of the event loop: between two slices come everybody else's orders, heartbeats and flushes.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final, Protocol

TURN_S: Final = 0.003
"""Of answers in one turn of the event loop; the last one may pass it."""
PENDING_MAX: Final = 4_096
"""Connections without a complete request; beyond it the oldest is aborted. An honest one is here for milliseconds."""


class Pending(Protocol):
    """A connection that has yet to say what it wants."""

    def give_up(self) -> None:
        """End the connection at once."""


class PendingConnections:
    """
    Those connections, the oldest first.

    Args:
        pending_max: How many there may be.
    """

    __slots__ = ("_connections", "_pending_max")

    def __init__(self, pending_max: int = PENDING_MAX) -> None:
        self._connections: dict[Pending, None] = {}
        self._pending_max = pending_max

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._connections)

    def add(self, connection: Pending) -> None:
        """Note one that has come, and end the oldest if they are too many; O(1)."""
        self._connections[connection] = None
        if len(self._connections) > self._pending_max:
            oldest = next(iter(self._connections))
            del self._connections[oldest]
            oldest.give_up()

    def remove(self, connection: Pending) -> None:
        """Forget one that has said what it wants, or has ended; a second call does nothing."""
        self._connections.pop(connection, None)


class Newcomer(Protocol):
    """A connection whose HTTP request is complete."""

    def answer(self) -> None:
        """Answer it; one that has ended meanwhile is passed over."""

    def pause_reading(self) -> None:
        """Read nothing more from the socket until it is answered."""

    def give_up(self) -> None:
        """End the connection at once: answering it failed."""


class HandshakeQueue:
    """
    Those who wait for an answer, in the order in which they came.

    They are as many as `PendingConnections` lets be, which knows each of them until it is answered.

    Args:
        loop: Calls back for the next turn.
    """

    __slots__ = ("_loop", "_next", "_spent_s", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Newcomer] = deque()
        self._spent_s = 0.0
        """In this turn."""
        self._next: asyncio.Handle | None = None

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def come(self, newcomer: Newcomer) -> None:
        """Have a newcomer answered: at once, if there is time left in this turn and nobody waits."""
        if self._next is None:
            self._next = self._loop.call_soon(self._turn)
        if self._waiting or self._spent_s >= TURN_S:
            newcomer.pause_reading()
            self._waiting.append(newcomer)
        else:
            self._answer(newcomer)

    def close(self) -> None:
        """Forget everybody."""
        self._waiting.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _turn(self) -> None:
        self._next, self._spent_s = None, 0.0
        try:
            while self._waiting and self._spent_s < TURN_S:
                self._answer(self._waiting.popleft())
        finally:  # whatever happened to one, the others are not to wait for ever
            if self._spent_s and self._next is None:
                self._next = self._loop.call_soon(self._turn)

    def _answer(self, newcomer: Newcomer) -> None:
        began = time.monotonic()
        try:
            newcomer.answer()
        except BaseException:
            newcomer.give_up()  # nobody would ever resume it
            raise
        finally:
            self._spent_s += time.monotonic() - began
