"""What an option is a right to, and what becomes of it in the end: the terms that an exchange acts on.

Owns their form, and what a lot is worth at a price of the underlying. Terms without `expires_at` are for users to know,
as they were before exchanges acted on any: such an option is listed until somebody ends it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from openoutcry.wire.types import EPOCH_MAX, PRICE_MAX, QUANTITY_MAX

RIGHTS: Final = ("call", "put")
STYLES: Final = ("any", "expiry")
AT_EXPIRY: Final = ("cash", "exercise", "lapse")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class OptionTerms(NamedTuple):
    """An option that the exchange exercises and ends."""

    underlying: str
    right: str
    """One of RIGHTS: to buy, or to sell."""
    strike: int
    """Ticks of the underlying."""
    expiry: str
    """The trading day that its settlement price is of, as 2027-03-19."""
    expires_at: int
    """µs since 1970 UTC."""
    multiplier: int = 1
    """Lots of the underlying that one lot is a right to."""
    style: str = "any"
    """One of STYLES: exercised at any time before, or at the expiry only."""
    at_expiry: str = "cash"
    """One of AT_EXPIRY: what it is worth is paid; it is exercised by itself; or it is worth nothing any more."""
    threshold_ticks: int = 1
    """Ticks in the money from which on it is worth something at its expiry, from 1."""

    def in_the_money(self, price: int) -> int:
        """Return how many ticks a lot of the underlying is worth more by right than at this price; 0 if it is not."""
        worth = price - self.strike if self.right == "call" else self.strike - price
        return worth if worth >= self.threshold_ticks else 0


def option_terms(option: Mapping[str, Any] | None) -> OptionTerms | None:
    """Return what an exchange acts on, of terms of which `option_fault` has nothing to say; None without any."""
    if option is None or "expires_at" not in option:
        return None
    return OptionTerms(**option)


def option_fault(option: Mapping[str, Any]) -> str | None:
    """Return what is wrong with terms that name the end of an option, or None; others are not looked at."""
    if "expires_at" not in option:
        return None
    unknown = [name for name in option if name not in OptionTerms._fields]
    missing = [name for name in OptionTerms._fields[:5] if name not in option]
    if unknown or missing:
        return f"option.{(unknown or missing)[0]}: {'is no term of an option' if unknown else 'is required'}"
    for name, most in _NUMBERS.items():
        value = option.get(name, 1)
        if type(value) is not int or not 1 <= value <= most:
            return f"option.{name}: must be a whole number from 1 to {most}, not {value!r}"
    for name, choices in _CHOICES.items():
        value = option.get(name, choices[0])
        if value not in choices:
            return f"option.{name}: must be one of {', '.join(choices)}, not {value!r}"
    if not isinstance(option["underlying"], str):
        return f"option.underlying: must be a symbol, not {option['underlying']!r}"
    return (
        None if _is_day(option["expiry"]) else f"option.expiry: must be a day as 2027-03-19, not {option['expiry']!r}"
    )


_NUMBERS: Final = {
    "strike": PRICE_MAX,
    "expires_at": EPOCH_MAX,
    "multiplier": QUANTITY_MAX,
    "threshold_ticks": PRICE_MAX,
}
_CHOICES: Final = {"right": RIGHTS, "style": STYLES, "at_expiry": AT_EXPIRY}


def _is_day(value: object) -> bool:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
