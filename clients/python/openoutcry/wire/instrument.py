"""What is traded: the definition of an instrument, as it stands in the log, in the feed and on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError, InvalidArgument
from openoutcry.wire.option_terms import option_fault
from openoutcry.wire.types import PRICE_MAX, QUANTITY_MAX
from openoutcry.wire.value_text import value_text

SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,23}")
"""1 to 24 capital letters, digits, dots, dashes and underscores, a letter or digit first."""
TICK_SIZE: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
"""A decimal of whole millionths, so that cash adds up in integers."""
KINDS: Final = ("share", "option", "internal")


class Instrument(NamedTuple):
    """
    The definition of what is traded. Immutable: to change one, list another symbol.

    Prices are integers in ticks and quantities integers in lots, so `tick_size` and `lot_size` are needed only to
    show them to people.
    """

    symbol: str
    kind: str = "share"
    """`share`, `option` or `internal`."""
    name: str = ""
    currency: str = "USD"
    tick_size: str = "0.01"
    """Decimal text: what one tick of price is worth in `currency`."""
    lot_size: int = 1
    """Units in one lot."""
    price_max: int = 10_000_000
    """Highest price of an order, in ticks; the lowest is 1."""
    quantity_max: int = 1_000_000
    """Highest quantity of an order, in lots; the lowest is 1."""
    option: Mapping[str, Any] | None = None
    """Terms of an option: `underlying`, `right` (call or put), `strike` (ticks of the underlying), `expiry` (ISO date);
    and, if the exchange is to end it, `expires_at` and the others of `option_terms.OptionTerms`. Else None."""
    session: Mapping[str, str] | None = None
    """Trading hours, `opens` and `closes` as UTC HH:MM; None trades around the clock.
    For users to know: no rule of the exchange reads them yet."""

    def ticks(self, amount: Decimal | str | float) -> int:
        """
        Turn a price in money into ticks, exactly.

        Args:
            amount: In `currency`, such as "99.90". A float counts as the shortest decimal that means it: 99.9 is 99.9.

        Raises:
            InvalidArgument: If it is no amount, lies between two ticks, or is beyond every price.
        """
        value = _decimal(amount)
        tick = Decimal(self.tick_size)
        if value.copy_abs() > tick * PRICE_MAX:
            raise InvalidArgument(f"amount: {amount} {self.currency} is more than {PRICE_MAX} ticks")
        ticks = int(value // tick)
        if ticks * tick != value:
            nearest = sorted((self.amount(ticks), self.amount(ticks + (1 if value > 0 else -1))))
            raise InvalidArgument(
                f"amount: {amount} is no whole number of {self.symbol}'s ticks of {self.tick_size} {self.currency}; "
                f"the nearest are {nearest[0]} and {nearest[1]}"
            )
        return ticks

    def amount(self, ticks: int) -> Decimal:
        """Return what so many ticks are worth in `currency`, with all decimals that the tick has."""
        return ticks * Decimal(self.tick_size)

    def checked(self) -> Instrument:
        """
        Return self if every field obeys its rule.

        Raises:
            ConfigurationError: Names the field, the rule and the value.
        """
        what = f"instrument {self.symbol!r}"
        if not SYMBOL.fullmatch(self.symbol):
            raise ConfigurationError(f"{what}: symbol must be 1 to 24 of A-Z 0-9 . _ - with a letter or digit first")
        if self.kind not in KINDS:
            raise ConfigurationError(f"{what}: kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if not TICK_SIZE.fullmatch(self.tick_size) or not float(self.tick_size):
            raise ConfigurationError(
                f"{what}: tick_size must be a positive decimal in quotes with at most 6 places, not {self.tick_size!r}"
            )
        for field, value, limit in (
            ("lot_size", self.lot_size, QUANTITY_MAX),
            ("price_max", self.price_max, PRICE_MAX),
            ("quantity_max", self.quantity_max, QUANTITY_MAX),
        ):
            if not 1 <= value <= limit:
                raise ConfigurationError(f"{what}: {field} must be a whole number from 1 to {limit}, not {value!r}")
        if (self.kind == "option") != (self.option is not None):
            raise ConfigurationError(f"{what}: option terms belong to kind 'option', and only there")
        fault = option_fault(self.option) if self.option is not None else None
        if fault is not None:
            raise ConfigurationError(f"{what}: {fault}")
        return self


def _decimal(amount: object) -> Decimal:
    text = float.__repr__(amount) if isinstance(amount, float) else amount
    if isinstance(text, Decimal | str | int) and not isinstance(text, bool):
        try:
            value = Decimal(text)
        except InvalidOperation:
            pass
        else:
            if value.is_finite():
                return value
    raise InvalidArgument(f"amount: is a Decimal, a decimal text or a finite number, not {value_text(amount)}")
