"""What the users of one process have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

OPENING_MAX: Final = 64
"""Handshakes under way at once in a process, unless asked otherwise: well below the gateways' listen backlog."""


class FleetSettings(NamedTuple):
    """How the users of a process come and go."""

    seed: int
    """Of waits and choices; another one in each process."""
    ramp_seconds: float = 0.0
    """Over which the first connections are spread evenly."""
    opening_max: int = OPENING_MAX
    """Handshakes under way at once."""
    sources: Sequence[str] = ()
    """Local addresses to connect from, user by user; without any the system chooses."""
    trades_as: str = ""
    """Unique name of this run, at most 12 characters, for client order ids; "" if nobody trades."""
    phase: float = 0.0
    """This process's turn among those that share the orders: its place by their number, 0 to 1."""

    @classmethod
    def read(cls, row: Sequence[Any]) -> FleetSettings:
        """Return settings that have been through JSON."""
        return cls(*row)
