"""What the fields of an order mean together: the rules of form that gateways and the engine hold alike.

A field that is not given is 0, empty or None. What depends on the market or on the time is the engine's.
"""

# ruff: noqa: D102 - the fields are those of the request

from __future__ import annotations

from typing import Final, Protocol

from openoutcry.wire.types import OrderKind, TimeInForce

PROTECTION_BP_MAX: Final = 9_999
_DATED: Final = (TimeInForce.DAY, TimeInForce.GTD)
_WITHOUT_MINIMUM: Final = (TimeInForce.FOK, TimeInForce.AUCTION)
_CANNOT_REST: Final = (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.AUCTION)


class OrderForm(Protocol):
    """An order, as a client asks for it or as the log holds it."""

    @property
    def kind(self) -> OrderKind: ...
    @property
    def price(self) -> int | None: ...
    @property
    def quantity(self) -> int: ...
    @property
    def time_in_force(self) -> TimeInForce: ...
    @property
    def post_only(self) -> bool: ...
    @property
    def trigger(self) -> int | None: ...
    @property
    def protection_bp(self) -> int | None: ...
    @property
    def expires_at(self) -> int | None: ...
    @property
    def expires_on(self) -> str | None: ...
    @property
    def minimum(self) -> int | None: ...


def form_fault(order: OrderForm) -> str | None:
    """Return the sentence for the first rule of form that a special order breaks, naming the field, or None. O(1)."""
    return _kind_fault(order) or _stop_fault(order) or _minimum_fault(order) or _end_fault(order)


def _kind_fault(order: OrderForm) -> str | None:  # noqa: PLR0911 - one a rule
    times = order.time_in_force
    if times is TimeInForce.QUOTE:
        return "time_in_force: quote is that of quotes alone"
    if order.kind is OrderKind.LIMIT:
        if not order.price:
            return "price: a limit order needs one"
        if order.post_only and times in _CANNOT_REST:
            return f"post_only: a {times} order cannot rest"
        return None
    if order.price:
        return "price: a market order has none"
    if order.post_only:
        return "post_only: a market order cannot rest"
    if times in _DATED and not order.trigger:
        return f"time_in_force: a market order does not wait, and cannot be {times}"
    return None


def _stop_fault(order: OrderForm) -> str | None:
    trigger, protection = order.trigger or 0, order.protection_bp or 0
    if trigger < 0:
        return f"trigger: must be from 1 on, in ticks, not {trigger}"
    if protection and (not trigger or order.kind is OrderKind.LIMIT):
        return "protection_bp: only a stop without a limit has one"
    if not 0 <= protection <= PROTECTION_BP_MAX:
        return f"protection_bp: must be from 1 to {PROTECTION_BP_MAX}, not {protection}"
    if trigger and order.post_only:
        return "post_only: a stop trades when it is triggered, and cannot be post-only"
    if trigger and order.time_in_force is TimeInForce.AUCTION:
        return "time_in_force: a stop enters when something has traded, and cannot wait for an auction alone"
    return None


def _minimum_fault(order: OrderForm) -> str | None:
    minimum = order.minimum or 0
    if not minimum:
        return None
    if not 1 <= minimum <= order.quantity:
        return f"minimum: must be from 1 to the quantity, {order.quantity}, not {minimum}"
    if order.post_only:
        return "minimum: a post-only order trades nothing on arrival, and has none"
    if order.time_in_force in _WITHOUT_MINIMUM:
        return f"minimum: an order that is {order.time_in_force} has none"
    return None


def _end_fault(order: OrderForm) -> str | None:
    if order.time_in_force is TimeInForce.GTD:
        if bool(order.expires_at) == bool(order.expires_on):
            return "expires_at: an order good till date names either expires_at or expires_on"
    elif order.expires_at or order.expires_on:
        field = "expires_at" if order.expires_at else "expires_on"
        return f"{field}: only an order good till date (gtd) has one, this is {order.time_in_force}"
    return None
