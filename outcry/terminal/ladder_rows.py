"""The rows of a ladder: asks above, bids below, own orders marked with their place in the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import OpenOrder
from openoutcry.wire.types import Side
from outcry.terminal.money import money

MARK: Final = "●"
"""Before the lots of own orders."""
BAR: Final = "█"
_BAR_MIN: Final = 4
_GAPS: Final = 4
"""Cursor, and the spaces between the first columns."""


class LadderRow(NamedTuple):
    """A price of the book."""

    side: Side
    price: int
    lots: int
    own: int
    """Lots of one's own orders there."""
    ahead: int | None
    """Lots before the first of them, at most; None if there is none, or nothing is known."""


class Widths(NamedTuple):
    """Columns of a ladder, in cells."""

    lots: int
    price: int
    own: int
    bar: int


def ladder_rows(
    bids: Sequence[tuple[int, int]],
    asks: Sequence[tuple[int, int]],
    orders: Iterable[OpenOrder],
    ahead: Callable[[int], int | None],
) -> tuple[list[LadderRow], list[LadderRow]]:
    """
    Return the rows of both sides, best first.

    Own orders beyond the levels given have no row: the list of open orders shows them.

    Args:
        bids: (price, lots), best first.
        asks: Likewise.
        orders: One's own of this instrument; stops that wait are in no book, and are left out.
        ahead: Tells the lots before an order.
    """
    own: dict[tuple[Side, int], list[OpenOrder]] = {}
    for order in orders:
        if order.price and not order.trigger:
            own.setdefault((Side(order.side), order.price), []).append(order)

    def row(side: Side, price: int, lots: int) -> LadderRow:
        mine = own.get((side, price), [])
        places = [place for order in mine if (place := ahead(order.order_id)) is not None]
        return LadderRow(side, price, lots, sum(order.remaining for order in mine), min(places, default=None))

    return [row(Side.BID, *level) for level in bids], [row(Side.ASK, *level) for level in asks]


def widths(rows: Iterable[LadderRow], columns: int, instrument: Instrument) -> Widths:
    """Fit a ladder into so many columns: bars get what is left, and nothing where little is."""
    shown = list(rows)
    lots = max((len(f"{row.lots:,}") for row in shown), default=1)
    price = max((len(money(row.price, instrument)) for row in shown), default=4)
    own = max((len(own_words(row)) + 1 for row in shown if row.own), default=0)
    bar = columns - 2 * lots - price - own - _GAPS
    return Widths(lots, price, own, bar if bar >= _BAR_MIN else 0)


def own_words(row: LadderRow) -> str:
    """Say one's own lots of a row and their place, as `●5 ≤140`; empty without any."""
    if not row.own:
        return ""
    return f"{MARK}{row.own:,}" + ("" if row.ahead is None else f" ≤{row.ahead:,}")


def row_text(row: LadderRow, width: Widths, instrument: Instrument, most: int, *, is_chosen: bool) -> str:
    """Write a row: bids left of the price, asks right of it, then own orders and a bar in proportion to `most` lots."""
    lots, none = f"{row.lots:,}".rjust(width.lots), " " * width.lots
    bid, ask = (lots, none) if row.side is Side.BID else (none, lots)
    cursor = "▸" if is_chosen else " "
    bar = BAR * max(1, width.bar * row.lots // most) if width.bar and most else ""
    text = f"{cursor}{bid} {money(row.price, instrument).rjust(width.price)} {ask} {own_words(row).ljust(width.own)}"
    return f"{text}{bar}".rstrip()
