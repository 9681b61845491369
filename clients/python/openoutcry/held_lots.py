"""Lots of one instrument that the user holds, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, NamedTuple

from openoutcry.wire.account import MILLIONTHS
from openoutcry.wire.funded_account_book import FundedAccountBook

_EXACT: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)
"""As many places as any cost has."""


class RestrictedLots(NamedTuple):
    """A part of the lots held that cannot be sold yet."""

    until: int
    """µs since 1970 UTC; at this time they can be."""
    lots: int
    why: str
    """`vesting`; a later exchange may have other words."""


class HeldLots(NamedTuple):
    """What the user holds of one instrument."""

    lots: int
    """Negative is short."""
    reserved: int
    """Lots of the open asks."""
    restricted: Sequence[RestrictedLots]
    """What cannot be sold yet, the earliest first. Parts whose time is over may be there; they count nothing."""
    cost: Decimal
    """Of all lots together, in the instrument's currency, exact."""

    def free(self, time_us: int) -> int:
        """Return the lots that may be offered at this time (µs since 1970 UTC); never below 0."""
        held_back = sum(part.lots for part in self.restricted if part.until > time_us)
        return max(self.lots - self.reserved - held_back, 0)

    def average_cost(self, places: int = 6) -> Decimal | None:
        """Return the cost of one lot, rounded half even to so many places; None if none is held. For screens only."""
        if not self.lots:
            return None
        return _EXACT.divide(self.cost, Decimal(self.lots)).quantize(Decimal(1).scaleb(-places), context=_EXACT)


def held_lots(book: FundedAccountBook) -> dict[str, HeldLots]:
    """Return what an account holds and offers by symbol; O(holdings and open orders)."""
    asks = book.reserved().lots
    return {
        symbol: HeldLots(
            book.positions.get(symbol, 0),
            asks.get(symbol, 0),
            [RestrictedLots(until, lots, why) for until, why, lots in book.restricted.get(symbol, ())],
            _EXACT.divide(Decimal(book.costs.get(symbol, 0)), Decimal(MILLIONTHS)),
        )
        for symbol in dict.fromkeys((*book.positions, *book.restricted, *asks))
    }
