"""What a special order asks beside what every order does.

An order carries it in one slot, `Order.special`, which is None for all others: they pay nothing for it.
"""

from __future__ import annotations


class Special:
    """
    What is special about an order.

    Args:
        trigger: Price in ticks that a stop waits for; 0: it waits for none, or no longer.
        expires_at: When it ends at the latest, µs since 1970; 0: at no moment known today.
        expires_on: The last trading day that it may stand on, as YYYY-MM-DD; "": none.
        minimum: Lots of which it trades so many at once or nothing; 0: as few as there are.
        clearance: Names the permission that it uses; "": none.
    """

    __slots__ = ("clearance", "expires_at", "expires_on", "minimum", "trigger")

    def __init__(
        self, trigger: int = 0, expires_at: int = 0, expires_on: str = "", minimum: int = 0, clearance: str = ""
    ) -> None:
        self.trigger = trigger
        self.expires_at = expires_at
        self.expires_on = expires_on
        self.minimum = minimum
        self.clearance = clearance

    @property
    def told(self) -> tuple[int, int, str]:
        """What its user hears of it: the last fields of an execution and of an open order."""
        return self.trigger, self.expires_at, self.expires_on

    def row(self) -> tuple[int, int, str, int, str]:
        """Return what the constructor takes."""
        return self.trigger, self.expires_at, self.expires_on, self.minimum, self.clearance
