"""What every contestant can be asked, in whatever environment it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from benchmarks.engine.flow import Row


class Standing(NamedTuple):
    """What is left after the flow; None where a contestant does not tell."""

    trades: int | None
    """Pairs of orders that traded."""
    orders: int | None
    """Resting."""
    bid_lots: int | None
    """Resting."""
    ask_lots: int | None
    """Resting."""


class Contestant(Protocol):
    """
    One order book or engine.

    Values that a caller would have ready are made before the time runs, as each peer's own benchmark does; what the
    contestant itself makes, orders that it changes included, is its work.
    """

    version: str
    """Of the package."""
    kinds: str
    """Of commands that it can do; others are left out for it, and counted."""

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Return the commands as this contestant takes them."""

    def play(self, commands: Sequence[Any]) -> None:
        """Apply commands in order, in a loop of its own, so that no adapter stands between the clock and the work."""

    def apply(self, command: Any) -> None:
        """Apply one command, for timing it alone."""

    def standing(self) -> Standing:
        """Return what is left."""
