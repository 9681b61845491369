"""What an account's orders in one instrument are judged by: the strictest of all limits that concern them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from services.matching.price_range import collar
from services.matching.traded_instrument import Refusal
from shared.logs.market_commands import Limits
from shared.logs.rule_commands import Rule

NO_LIMIT: Final = 1 << 200
"""More than any quantity, value or number of orders can be."""


class Closing(NamedTuple):
    """What a company's rules say about one user in one instrument."""

    kill: Refusal | None
    """Why the user may not trade at all, if so."""
    rules: tuple[Rule, ...]
    """Those that the user is under, in the order of checks."""
    is_closing: bool
    """Whether one of them may forbid an order. If not, none of them needs to be asked."""


NO_CLOSING: Final = Closing(None, (), False)  # noqa: FBT003 - a row of three


class Gate:
    """
    All limits of one user in one instrument; NO_LIMIT where there is none.

    Args:
        everywhere: Limits that concern the user in all instruments.
        here: Those of this instrument.
        collar_bp: Everybody's, of the instrument's terms; 0: none.
        tick_value: What one lot is worth at one tick, in millionths.
        closing: What the company's rules say.
        version: Of the limits that it is compiled from.
    """

    __slots__ = (
        "burst",
        "collar_bp",
        "counts_orders",
        "fast_quantity_max",
        "high",
        "instrument_orders_max",
        "is_closing",
        "is_rated",
        "kill",
        "low",
        "may_short",
        "messages_per_second",
        "notional_max",
        "open_orders_max",
        "order_quantity_max",
        "order_value_max",
        "position_max",
        "reference",
        "rules",
        "sure_quantity_max",
        "version",
    )

    def __init__(
        self,
        everywhere: Iterable[Limits],
        here: Iterable[Limits],
        collar_bp: int,
        tick_value: int,
        closing: Closing = NO_CLOSING,
        version: int = 0,
    ) -> None:
        self.version = version
        everywhere, here = list(everywhere), list(here)
        both = everywhere + here
        self.order_quantity_max = _strictest([limits.order_quantity_max for limits in both])
        self.kill, self.rules, self.is_closing = closing
        self.fast_quantity_max = -1 if self.is_closing else self.order_quantity_max
        """The same for who asks nothing else: where a rule may have something to say, no quantity passes."""
        self.order_value_max = _strictest([limits.order_value_max for limits in both])
        self.notional_max = self.order_value_max // tick_value
        """Lots times ticks of one order."""
        self.collar_bp = _strictest([limits.collar_bp for limits in both] + [collar_bp or None])
        self.refer(0)
        self.open_orders_max = _strictest([limits.open_orders_max for limits in everywhere])
        self.instrument_orders_max = _strictest([limits.open_orders_max for limits in here])
        self.counts_orders = self.open_orders_max != NO_LIMIT or self.instrument_orders_max != NO_LIMIT
        self.position_max = _strictest([limits.position_max for limits in both])
        self.messages_per_second = _strictest([limits.messages_per_second for limits in everywhere])
        self.is_rated = self.messages_per_second != NO_LIMIT
        self.burst = self.messages_per_second * 1_000_000
        """What a bucket of messages holds, in millionths: a second's worth."""
        short = _strictest([limits.may_short for limits in both])
        self.may_short = 0 if short == NO_LIMIT else short

    def refer(self, reference: int) -> None:
        """Put the collar around another reference price, in ticks; 0: there is none, and no collar."""
        self.reference = reference
        self.low, self.high = 0, NO_LIMIT
        """Lowest and highest price, in ticks, while the reference price is `reference`."""
        if reference and self.collar_bp != NO_LIMIT:
            self.low, self.high = collar(reference, self.collar_bp)
        self.sure_quantity_max = self.fast_quantity_max
        """So many lots are worth no more than they may be, whatever their price within the collar."""
        if self.order_value_max != NO_LIMIT:
            worth = self.notional_max // max(self.high, reference)
            self.sure_quantity_max = min(self.fast_quantity_max, worth)


def _strictest(limits: Iterable[int | None]) -> int:
    return min([limit for limit in limits if limit is not None], default=NO_LIMIT)
