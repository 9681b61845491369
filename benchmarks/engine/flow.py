"""The commands that every contestant is given: plain numbers, one row a command, in a file of comma-separated values.

Read in every contestant's environment, so it imports nothing but the standard library.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

LIMIT: Final = "L"
"""Good till cancelled: what is not filled rests."""
IOC: Final = "I"
"""A limit order whose rest is cancelled."""
MARKET: Final = "M"
"""Whatever the price; its rest is cancelled."""
CANCEL: Final = "C"
REDUCE: Final = "R"
"""`quantity` lots fewer; the order keeps its place."""
KINDS: Final = LIMIT + IOC + MARKET + CANCEL + REDUCE
BID: Final = 0
ASK: Final = 1


class Row(NamedTuple):
    """One command."""

    kind: str
    order_id: int
    """From 1, each used once; the order that a cancel or a reduction names, which may have ended."""
    side: int
    price: int
    """Ticks; 0 where there is none."""
    quantity: int
    """Lots; 0 for a cancel."""
    account: int
    """Whose; two orders of one account are kept from trading by those who prevent that."""


def write_flow(path: Path, rows: Iterable[Row]) -> None:
    """Write a flow to a file."""
    with path.open("w", encoding="ascii", newline="") as file:
        csv.writer(file).writerows(rows)


def read_flow(path: Path) -> list[Row]:
    """Return the flow that a file holds."""
    with path.open(encoding="ascii", newline="") as file:
        return [Row(kind, *map(int, numbers)) for kind, *numbers in csv.reader(file)]
