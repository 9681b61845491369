"""What the crowd holds instruments to be worth, and in which quantities it deals.

Owns the beliefs about the default listing, by symbol, and the price of an option from its share (F. Black, M. Scholes,
"The Pricing of Options and Corporate Liabilities", 1973). Any other instrument opens at MID_START ticks and stands
alone. There are floats here because these are beliefs: what leaves is whole ticks, and the engine never sees the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import PRICE_MAX

MID_START: Final = 10_000
"""Ticks; a market that nobody has an opinion about opens here, or in the middle of what its instrument allows."""
VALUED_ON: Final = date(2026, 9, 18)
"""The day on which the crowd trades, whatever the clock says: the same seed gives the same market on any day."""
VOLATILITY: Final = 0.3
"""Of a share, a year."""
INTEREST: Final = 0.03
"""A year, continuously compounded."""
YEARS_MIN: Final = 1 / 365
"""An option that has expired on VALUED_ON is priced as on its last day."""

ANY_QUANTITIES: Final = tuple(range(1, 51))
"""Lots, each as likely as the next."""
_SHARES: Final = (5, 10, 15, 20, 25, 40, 50, 60, 80, 100, 100, 100, 100, 150, 200, 200, 300, 400, 500, 1_000)
_CONTRACTS: Final = (1, 1, 1, 2, 2, 3, 4, 5, 5, 5, 10, 10, 10, 15, 20, 20, 25, 30, 40, 50)
_UNITS: Final = (1, 2, 4, 5, 8, 10, 10, 12, 20, 24, 25, 40, 48, 50, 100)
_SINGLE: Final = (1, 1, 1, 1, 2, 2, 3)


class Belief(NamedTuple):
    """What the crowd thinks of one instrument."""

    quantities: tuple[int, ...]
    """Lots of an order, each entry as likely as the next."""
    opening: str | None = None
    """Decimal text, in the instrument's currency; None is MID_START ticks."""
    follows: tuple[str, float] | None = None
    """Another symbol, and the share of its price that this is worth."""


_BELIEFS: Final[Mapping[str, Belief]] = {
    "ACME": Belief(_SHARES),
    "ACME-RSU27": Belief(_UNITS, follows=("ACME", 0.97)),
    "ACME-RSU28": Belief(_UNITS, follows=("ACME", 0.92)),
    "GPU-HOUR": Belief(_UNITS, opening="2.15"),
    "DESK-HQ": Belief(_SINGLE, opening="640"),
    "SHIP-Q1": Belief(_UNITS, opening="62"),
}


def quantities(instrument: Instrument) -> tuple[int, ...]:
    """Return the lots that an order may have, each entry as likely as the next; all within the instrument's limit."""
    if instrument.symbol in _BELIEFS:
        usual = _BELIEFS[instrument.symbol].quantities
    else:
        usual = _CONTRACTS if instrument.option is not None else ANY_QUANTITIES
    return tuple(lots for lots in usual if lots <= instrument.quantity_max) or (1,)


def opening_price(instrument: Instrument) -> int:
    """Return where a market opens that follows no other, in ticks within the instrument's limit."""
    belief = _BELIEFS.get(instrument.symbol)
    if belief is None or belief.opening is None:
        return max(1, min(MID_START, instrument.price_max // 2))
    return _within(round(Decimal(belief.opening) / Decimal(instrument.tick_size)), instrument)


def opening_prices(instruments: Sequence[Instrument]) -> dict[str, int]:
    """Return where each of these opens, in its ticks: what follows another one of them, by that one's price."""
    listed = {instrument.symbol: instrument for instrument in instruments}
    prices: dict[str, int] = {}
    for instrument in instruments:
        leader = listed.get(followed(instrument) or "")
        if leader is None or followed(leader) is not None:
            prices[instrument.symbol] = opening_price(instrument)
        else:
            prices[instrument.symbol] = following_price(instrument, leader, opening_price(leader))
    return prices


def followed(instrument: Instrument) -> str | None:
    """Return the symbol whose price decides this one's; None if it stands alone, or its terms say nothing."""
    if instrument.option is not None:
        return instrument.option["underlying"] if _terms(instrument.option) else None
    belief = _BELIEFS.get(instrument.symbol)
    return belief.follows[0] if belief is not None and belief.follows is not None else None


def following_price(instrument: Instrument, underlying: Instrument, spot: int) -> int:
    """
    Return what an instrument is worth that follows another, in ticks within its limit.

    Args:
        instrument: One for which `followed` names the other.
        underlying: The other.
        spot: The other's price, in its ticks.
    """
    tick = float(underlying.tick_size)
    if instrument.option is not None:
        terms = _terms(instrument.option)
        assert terms is not None, "it follows nothing"
        value = option_value(spot * tick, terms.strike * tick, terms.years, is_call=terms.is_call)
    else:
        follows = _BELIEFS[instrument.symbol].follows
        assert follows is not None, "it follows nothing"
        value = follows[1] * spot * tick
    return _within(round(value / float(instrument.tick_size)), instrument)


def option_value(spot: float, strike: float, years: float, *, is_call: bool) -> float:
    """Return the price of an option on a share without dividends, by Black and Scholes; all prices in one currency."""
    spread = VOLATILITY * math.sqrt(years)
    nearness = (math.log(spot / strike) + (INTEREST + VOLATILITY**2 / 2) * years) / spread
    paid = strike * math.exp(-INTEREST * years)
    call = spot * _normal(nearness) - paid * _normal(nearness - spread)
    return call if is_call else call - spot + paid


class _Terms(NamedTuple):
    strike: int
    """In ticks of the underlying."""
    years: float
    is_call: bool


def _terms(option: Mapping[str, Any]) -> _Terms | None:
    """Read an option's terms; None if an operator's file leaves them open."""
    try:
        expiry = date.fromisoformat(option["expiry"])
        strike, right = int(option["strike"]), option["right"]
        is_named = isinstance(option["underlying"], str)
    except (KeyError, TypeError, ValueError):
        return None
    years = max((expiry - VALUED_ON).days / 365, YEARS_MIN)
    return _Terms(strike, years, right == "call") if 0 < strike <= PRICE_MAX and is_named else None


def _normal(x: float) -> float:
    """Return the share of a normal distribution that lies below x deviations."""
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _within(ticks: int, instrument: Instrument) -> int:
    return min(max(ticks, 1), instrument.price_max)
