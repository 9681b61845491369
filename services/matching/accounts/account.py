"""A user's private state as the engine keeps it: resting orders, positions, cash, cancel-on-disconnect.

Owns the numbering of the user's executions, and the ways in which an order touches an account: `opened`, `filled`,
`changing` and `changed`, and `closed`. `openoutcry.wire.account.AccountBook` is its replica elsewhere.
Invariant, between two commands: `orders` are the user's resting orders, in ascending order of id.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from openoutcry.wire.account import cash_texts, settle
from openoutcry.wire.messages import NOTHING_SPECIAL, PLAIN_ORDER, Account, OpenOrder
from openoutcry.wire.types import Liquidity
from services.matching.book.order import Order
from services.matching.traded_instrument import TradedInstrument

_OPEN_ORDER: Final[Callable[[Order], tuple[Any, ...]]] = attrgetter(*OpenOrder._fields[:PLAIN_ORDER])
"""Every account is encoded every few seconds while the market waits; this is faster than naming the fields."""


class UserAccount:
    """
    One user.

    Args:
        user: The name that gateways stamp on commands.
    """

    __slots__ = (
        "accepted_ids",
        "cancel_on_disconnect",
        "cash",
        "client_order_ids",
        "orders",
        "positions",
        "user",
        "user_seq",
    )

    def __init__(self, user: str) -> None:
        self.user = user
        self.user_seq = 0
        """Executions so far."""
        self.orders: dict[int, Order] = {}
        """Resting orders by id. Changed by `opened` and `closed` alone."""
        self.positions: dict[str, int] = {}
        """Symbol to net lots; negative is short."""
        self.cash: dict[str, int] = {}
        """Currency to the net of all trades in millionths; negative is paid."""
        self.client_order_ids: dict[str, Order] = {}
        """The same resting orders by the client's own id."""
        self.accepted_ids: dict[str, int] = {}
        """Client's own id to order id of the orders accepted within the window of repetition, resting or not; 0 where
        the order is not known any more. Changed by `idempotency.ClientOrderIds` alone."""
        self.cancel_on_disconnect = False
        """Whether they are cancelled when the user stays away; stays on through an absence."""

    def opened(self, order: Order, market: TradedInstrument, rests: bool) -> None:  # noqa: ARG002, FBT001 - hot
        """Take an order that was accepted, with what is left of it resting or not; its fills and its end follow."""
        if rests:
            self.orders[order.order_id] = order
            self.client_order_ids[order.client_order_id] = order

    def filled(self, order: Order, market: TradedInstrument, price: int, quantity: int, liquidity: Liquidity) -> None:  # noqa: ARG002 - as `FundedAccount`
        """Move lots and money for one fill of an order that was opened."""
        settle(self.positions, self.cash, market.instrument, market.tick_value, order.side, price, quantity)

    def changing(self, order: Order, market: TradedInstrument) -> None:
        """Take note that a resting order is about to be replaced; `changed` follows, whatever comes of it."""

    def changed(self, order: Order, market: TradedInstrument, *, rests: bool) -> None:
        """Take an order as its replacement left it, resting or not; its fills and its end follow."""

    def closed(self, order: Order, market: TradedInstrument) -> None:  # noqa: ARG002 - as `FundedAccount`
        """Take the end of an order that was opened: it is filled, or was ended."""
        if self.orders.pop(order.order_id, None) is not None:  # else it never rested
            del self.client_order_ids[order.client_order_id]

    def find(self, order_id: int, client_order_id: str) -> Order | None:
        """Return the resting order that has this id, or (order_id 0) this client's id."""
        if order_id:
            return self.orders.get(order_id)
        return self.client_order_ids.get(client_order_id)

    def first_order(self, client_order_id: str) -> int | None:
        """Return the order that this client's id was used for, 0 if which is not known any more, None if none. O(1)."""
        order_id = self.accepted_ids.get(client_order_id)
        if not order_id:
            resting = self.client_order_ids.get(client_order_id)
            if resting is not None:
                return resting.order_id
        return order_id

    def message(self) -> Account:
        """Return the private snapshot; O(orders)."""
        orders = [_open_order(order) for order in self.orders.values()]
        cash = cash_texts(self.cash)
        return Account(self.user_seq, orders, dict(self.positions), cash, self.cancel_on_disconnect)


def _open_order(order: Order) -> OpenOrder:
    special = order.special
    told = OpenOrder._make(_OPEN_ORDER(order) + (NOTHING_SPECIAL if special is None else special.told))
    return told._replace(price=order.bound) if order.bound else told
