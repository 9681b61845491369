"""Which open orders end by themselves, and when: at a moment, or with a trading day.

Owns the two indices. Leaves to the engine the timers, what a trading day is, and the ending. Invariant: an order is in
here from its acceptance to its end, in at most one of the two.
"""

from __future__ import annotations

from openoutcry.wire.types import TimeInForce
from services.matching.book.order import Order

_DAY = TimeInForce.DAY
EVERY_DAY = ""
"""Stands for the present trading day, whichever that is: it is before all dates."""


class Expiries:
    """The orders of a shard that end by themselves."""

    __slots__ = ("_days", "_moments")

    def __init__(self) -> None:
        self._moments: dict[int, dict[int, Order]] = {}
        self._days: dict[str, dict[str, dict[int, Order]]] = {}

    def __len__(self) -> int:
        dated = (orders for days in self._days.values() for orders in days.values())
        return sum(map(len, self._moments.values())) + sum(map(len, dated))

    def has(self, moment_us: int) -> bool:
        """Tell whether an order ends at this moment, so that there is a timer for it."""
        return moment_us in self._moments

    def add(self, order: Order) -> bool:
        """Take an order that was accepted, if it ends by itself; returns whether its moment is new here. O(1)."""
        special = order.special
        assert special is not None
        moment = special.expires_at
        if moment:
            is_new = moment not in self._moments
            self._moments.setdefault(moment, {})[order.order_id] = order
            return is_new
        if special.expires_on or order.time_in_force is _DAY:
            days = self._days.setdefault(order.instrument, {})
            days.setdefault(special.expires_on, {})[order.order_id] = order
        return False

    def remove(self, order: Order) -> bool:
        """Forget an order that has ended; returns whether nothing else ends at its moment. O(1)."""
        special = order.special
        assert special is not None
        moment = special.expires_at
        if moment:
            orders = self._moments.get(moment, {})
            if orders.pop(order.order_id, None) is None or orders:
                return False
            del self._moments[moment]
            return True
        days = self._days.get(order.instrument)
        dated = days.get(special.expires_on) if days is not None else None
        if days is not None and dated is not None:
            dated.pop(order.order_id, None)
            if not dated:
                del days[special.expires_on]
            if not days:
                del self._days[order.instrument]
        return False

    def at(self, moment_us: int) -> list[Order]:
        """Return the orders that end at this moment, the oldest first. O(those)."""
        return _oldest_first([self._moments.get(moment_us, {})])

    def by_day(self, symbol: str, trading_day: str) -> list[Order]:
        """
        Return the orders of an instrument that do not outlive a trading day, the oldest first.

        Args:
            symbol: The instrument.
            trading_day: YYYY-MM-DD.

        Cost: O(those, and dates of the instrument), no more than 371.
        """
        days = self._days.get(symbol, {})
        return _oldest_first([orders for day, orders in days.items() if day <= trading_day])

    def check_invariants(self, open_orders: dict[int, Order]) -> None:
        """Assert what must always hold, given all open orders; O(orders). For tests."""
        waiting: dict[int, Order] = {}
        for moment, orders in self._moments.items():
            assert orders
            assert all(order.special is not None and order.special.expires_at == moment for order in orders.values())
            waiting.update(orders)
        for symbol, days in self._days.items():
            assert days
            for day, orders in days.items():
                assert orders
                assert all(order.instrument == symbol for order in orders.values())
                assert all(order.special is not None and order.special.expires_on == day for order in orders.values())
                waiting.update(orders)
        assert waiting == {key: order for key, order in open_orders.items() if _ends(order)}
        assert len(waiting) == len(self)


def _ends(order: Order) -> bool:
    special = order.special
    return special is not None and bool(
        special.expires_at or special.expires_on or order.time_in_force is TimeInForce.DAY
    )


def _oldest_first(groups: list[dict[int, Order]]) -> list[Order]:
    return sorted([order for orders in groups for order in orders.values()], key=_order_id)


def _order_id(order: Order) -> int:
    return order.order_id
