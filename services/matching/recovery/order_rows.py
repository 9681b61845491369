"""An open order as a checkpoint holds it, and back."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching.book.order import Order

_ORDER_FIELDS: Final = (
    "order_id",
    "user",
    "side",
    "price",
    "quantity",
    "remaining",
    "kind",
    "time_in_force",
    "post_only",
    "self_trade_prevention",
    "client_order_id",
)
order_row: Final[Callable[[Order], tuple[Any, ...]]] = attrgetter(*_ORDER_FIELDS)
_MEMBERS: Final[dict[str, dict[str, Any]]] = {
    "side": {member.value: member for member in Side},
    "kind": {member.value: member for member in OrderKind},
    "time_in_force": {member.value: member for member in TimeInForce},
    "self_trade_prevention": {member.value: member for member in SelfTradePrevention},
}


def made_order(row: list[Any]) -> Order:
    """Return the order that gave a row."""
    fields = dict(zip(_ORDER_FIELDS, row, strict=True))
    remaining = fields.pop("remaining")
    for name, members in _MEMBERS.items():
        fields[name] = members[fields[name]]
    order = Order(**fields)
    order.remaining = remaining
    return order
