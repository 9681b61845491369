"""Connections whose HTTP request is not complete yet: bounded, so that endless ones do not take all the room."""

from __future__ import annotations

from typing import Final, Protocol

PENDING_MAX: Final = 4_096
"""Connections without a whole request; beyond it the oldest is aborted. An honest one is here for milliseconds."""


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
