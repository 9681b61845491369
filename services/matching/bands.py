"""The bands within which an instrument trades continuously, and within which its auctions may end.

Owns their arithmetic. The dynamic band is around the last trade as of the end of the last command: one order cannot
walk it along. The static band is around the price of the day's last auction, else the last closing price.
"""

from __future__ import annotations

from typing import Final

from openoutcry.wire.tick_table import NO_TABLE
from services.matching.price_range import BASIS, collar
from services.matching.traded_instrument import TradedInstrument

NO_PRICE_ABOVE: Final = 1 << 62


def band(market: TradedInstrument, *, widened: bool = False) -> tuple[int, int]:
    """
    Return the lowest and the highest price that may trade, in ticks; without bands all may.

    Args:
        market: Its statistics are those of the end of the last command.
        widened: Twice as wide, as for a call that was extended.
    """
    factor = 2 if widened else 1
    low, high = 1, NO_PRICE_ABOVE
    static = market.auction_price or market.closing_price or market.reference
    for reference, bp in ((market.reference_price, market.band_bp), (static, market.static_bp)):
        if bp and reference:
            least, most = collar(reference, min(bp * factor, BASIS - 1))
            steps = market.band_ticks_min * factor
            least, most = min(least, _down(market, reference, steps)), max(most, _up(market, reference, steps))
            low, high = max(low, least), min(high, most)
    return low, high


def outside(market: TradedInstrument, price: int, *, widened: bool, collar_only: bool = False) -> bool:
    """Tell whether an auction may not end at a price: it is outside the bands, or outside the collar (always asked)."""
    if market.collar_bp and market.reference_price:
        low, high = collar(market.reference_price, market.collar_bp)
        if not low <= price <= high:
            return True
    if collar_only:
        return False
    low, high = band(market, widened=widened)
    return not low <= price <= high


def _up(market: TradedInstrument, price: int, steps: int) -> int:
    ticks = market.ticks or NO_TABLE
    for _ in range(steps):
        price = ticks.step_up(price)
    return price


def _down(market: TradedInstrument, price: int, steps: int) -> int:
    ticks = market.ticks or NO_TABLE
    for _ in range(steps):
        if price <= 1:
            return 1
        price = ticks.step_down(price)
    return price
