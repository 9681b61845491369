"""An order, from its arrival to its end.

Owns the order's own numbers and its links in a price level's queue, which only `PriceLevel` touches.
Invariant: 0 <= remaining <= quantity; the filled part is the difference.
"""

from __future__ import annotations

from typing import Any

from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching.book.special import Special

_MARKET = OrderKind.MARKET
_AUCTION = TimeInForce.AUCTION
_IOC = TimeInForce.IOC
_FOK = TimeInForce.FOK


class Order:
    """
    What a user wants to trade. The book keeps this very object while it rests, and updates it.

    Args:
        order_id: Unique in the book.
        user: Its owner: two orders of one user never trade with each other.
        side: BID buys, ASK sells.
        price: Worst acceptable price in ticks, from 1; 0 for a market order.
        quantity: Lots, from 1.
        kind: LIMIT, or MARKET: whatever the price, and never resting.
        time_in_force: What happens to the part that is not filled on arrival.
        post_only: Refuse rather than trade on arrival.
        self_trade_prevention: What happens when it arrives and meets an order of its own user.
        client_order_id: The user's own name for it; the book only carries it.
    """

    holding: Any
    """Its user's lots and money, where the exchange keeps accounts: its fills and its end need them again. Unset before
    the account has taken it."""
    instrument: str
    """Symbol of the book that it is placed in; set by the book, or by whoever keeps it out of one."""
    reserved: int
    """What its account holds back for it: millionths of money for a bid, lots for an ask. Set as `holding`."""
    __slots__ = (
        "after",
        "before",
        "bound",
        "client_order_id",
        "holding",
        "instrument",
        "kind",
        "order_id",
        "post_only",
        "price",
        "quantity",
        "remaining",
        "reserved",
        "self_trade_prevention",
        "side",
        "special",
        "time_in_force",
        "user",
    )

    def __init__(
        self,
        order_id: int,
        user: str,
        side: Side,
        price: int,
        quantity: int,
        kind: OrderKind = OrderKind.LIMIT,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,  # noqa: FBT001, FBT002 - named at every call but the engine's, which is hot
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_NEWEST,
        client_order_id: str = "",
    ) -> None:
        self.order_id = order_id
        self.user = user
        self.side = side
        self.price = price
        self.quantity = quantity
        self.remaining = quantity
        """Lots not filled; what was left when the order ended, once it has."""
        self.kind = kind
        self.time_in_force = time_in_force
        self.post_only = post_only
        self.self_trade_prevention = self_trade_prevention
        self.client_order_id = client_order_id
        self.bound = 0
        """Of an order without a limit that waits for an auction: the worst price at which it may trade, in ticks.
        Told as its price, since it is at this price that a bid reserves."""
        self.special: Special | None = None
        """What it asks more than others do; None for most."""
        self.before: Order | None = None
        self.after: Order | None = None

    @property
    def may_rest(self) -> bool:
        """Whether what is not filled when it arrives waits, or all of it for a trigger."""
        if self.special is not None and self.special.trigger:
            return True
        times = self.time_in_force
        return times is _AUCTION or (self.kind is not _MARKET and times is not _IOC and times is not _FOK)

    def __repr__(self) -> str:
        return f"<Order {self.order_id} {self.user} {self.side} {self.remaining}/{self.quantity} @ {self.price}>"
