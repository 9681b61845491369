"""What a market maker offers in one instrument."""

from __future__ import annotations

from typing import Final, NamedTuple

PAIRS_MAX: Final = 15
"""Instruments of one quote."""


class QuotedPair(NamedTuple):
    """Both sides of one instrument; a side without lots is withdrawn."""

    instrument: str
    bid: int = 0
    """Ticks, like `ask`."""
    bid_quantity: int = 0
    """Lots that are to be open, whatever of an earlier quote was filled; like `ask_quantity`."""
    ask: int = 0
    ask_quantity: int = 0
