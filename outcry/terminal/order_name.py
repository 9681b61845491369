"""The name of a ticket's order: the same for as long as sending it again is safe, and another one for another order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

SAFE_S: Final = 540.0
"""Since the first try. The exchange promises to know a name for ten minutes after it has accepted the order: later an
order that was filled would be another one, and trade again."""


class OrderName:
    """A `client_order_id` with the moment at which it was first sent.

    `draw` gives another name at every call.
    """

    def __init__(self, draw: Callable[[], str]) -> None:
        self._draw = draw
        self.text = draw()
        self._sent_at: float | None = None

    def renew(self) -> None:
        """Name another order."""
        self.text = self._draw()
        self._sent_at = None

    def send(self, now: float) -> bool:
        """Take it for sending at this moment, monotonic seconds; False if that is not safe any more."""
        if self._sent_at is None:
            self._sent_at = now
        return now - self._sent_at <= SAFE_S
