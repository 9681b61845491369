"""What an account's orders in one instrument are judged by: the strictest of all limits that concern them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.logs.market_commands import Limits

NO_LIMIT: Final = 1 << 200
"""More than any quantity, value or number of orders can be."""


class Gate:
    """All limits of one user in one instrument; NO_LIMIT where there is none."""

    __slots__ = (
        "collar_bp",
        "instrument_orders_max",
        "may_short",
        "messages_per_second",
        "open_orders_max",
        "order_quantity_max",
        "order_value_max",
        "position_max",
    )

    def __init__(self, everywhere: Iterable[Limits], here: Iterable[Limits]) -> None:
        everywhere, here = list(everywhere), list(here)
        both = everywhere + here
        self.order_quantity_max = _strictest([limits.order_quantity_max for limits in both])
        self.order_value_max = _strictest([limits.order_value_max for limits in both])
        self.collar_bp = _strictest([limits.collar_bp for limits in both])
        self.open_orders_max = _strictest([limits.open_orders_max for limits in everywhere])
        self.instrument_orders_max = _strictest([limits.open_orders_max for limits in here])
        self.position_max = _strictest([limits.position_max for limits in both])
        self.messages_per_second = _strictest([limits.messages_per_second for limits in everywhere])
        short = _strictest([limits.may_short for limits in both])
        self.may_short = 0 if short == NO_LIMIT else short


def _strictest(limits: Iterable[int | None]) -> int:
    return min([limit for limit in limits if limit is not None], default=NO_LIMIT)
