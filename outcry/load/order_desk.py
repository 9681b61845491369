"""One user's trading: what to order next, and how long the answers took.

Sensible orders, bounded: limits that rest near the best price, cancels of the oldest when enough rest, and one in ten
that takes a little from the other side and never rests. Every delay is measured from the time that the order was
*meant* to be sent (`order_schedule`), and also from when it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from outcry.load.counts import LoadCounts
from outcry.load.delays import Delays

OPEN_ORDERS_MAX: Final = 4
"""Orders of one user that may rest; then the oldest is cancelled."""
TAKE_SHARE: Final = 0.1
"""Share of orders that take."""
DISTANCE_MAX: Final = 10
"""Ticks behind the best price of its own side that an order may rest."""
THROUGH: Final = 2
"""Ticks beyond the other side's best price that a taking order may pay."""
QUANTITY_MAX: Final = 5


class Quote(NamedTuple):
    """The best prices of an instrument, ticks; 0 where there is none."""

    bid: int
    ask: int


class SentOrder(NamedTuple):
    """An order or a cancel whose reply is awaited."""

    client_order_id: str
    is_cancel: bool
    intended_us: int
    sent_us: int


class OrderDesk:
    """
    A user's orders.

    Args:
        name: Unique among all users and runs, at most 24 characters: the client order ids begin with it.
        instruments: Where to trade; without any, wherever a price is known.
        quotes: Best prices by instrument, kept by whoever hears them.
        counts: Where to count.
        delays: Where to record.
        random: Of the choices.
    """

    __slots__ = ("_counts", "_delays", "_executing", "_instruments", "_name", "_number", "_quotes", "_random",
                 "_sent", "open_orders")  # fmt: skip

    def __init__(
        self,
        name: str,
        instruments: Sequence[str],
        quotes: Mapping[str, Quote],
        counts: LoadCounts,
        delays: Delays,
        random: Random,
    ) -> None:
        self.open_orders: dict[str, None] = {}
        """Client order ids of what rests, the oldest first."""
        self._name = name
        self._instruments = instruments
        self._quotes = quotes
        self._counts = counts
        self._delays = delays
        self._random = random
        self._number = 0
        self._sent: dict[int, SentOrder] = {}
        self._executing: dict[str, int] = {}

    @property
    def waits(self) -> bool:
        """Whether replies are outstanding."""
        return bool(self._sent)

    def next_request(self) -> dict[str, Any] | None:
        """Return the next order or cancel without its id; None if no price is known."""
        choice = self._instruments or list(self._quotes)
        instrument = choice[int(self._random.random() * len(choice))] if choice else ""
        quote = self._quotes.get(instrument)
        if quote is None or not (quote.bid or quote.ask):
            return None
        if self._random.random() < TAKE_SHARE:
            return self._take(instrument, quote)
        placing = sum(not sent.is_cancel for sent in self._sent.values())
        if len(self.open_orders) + placing < OPEN_ORDERS_MAX:
            return self._rest(instrument, quote)
        oldest = next(iter(self.open_orders), None)
        if oldest is None:
            return self._take(instrument, quote)
        del self.open_orders[oldest]
        return {"op": "cancel", "client_order_id": oldest}

    def sent(self, request_id: int, request: Mapping[str, Any], intended_us: int, now_us: int) -> None:
        """Remember what was sent under which id."""
        self._counts.orders_sent += 1
        is_cancel = request["op"] == "cancel"
        self._sent[request_id] = SentOrder(request["client_order_id"], is_cancel, intended_us, now_us)
        if not is_cancel:
            self._executing[request["client_order_id"]] = intended_us

    def take_reply(self, request_id: int, *, is_ok: bool, now_us: int) -> bool:
        """Take a reply; True if it was one to an order or a cancel."""
        sent = self._sent.pop(request_id, None)
        if sent is None:
            return False
        if not is_ok:
            self._counts.orders_refused += 1
            self._executing.pop(sent.client_order_id, None)
        elif sent.is_cancel:
            self._counts.orders_cancelled += 1
            self._delays.cancelled.record(now_us - sent.intended_us)
        else:
            self._counts.orders_accepted += 1
            self._delays.accepted.record(now_us - sent.intended_us)
            self._delays.accepted_service.record(now_us - sent.sent_us)
        return True

    def take_execution(self, client_order_id: str, event: str, remaining: int, now_us: int) -> None:
        """Take an execution of one of this user's orders."""
        self._counts.executions += 1
        intended_us = self._executing.pop(client_order_id, None)
        if intended_us is not None:
            self._delays.executed.record(now_us - intended_us)
        if not remaining:
            self.open_orders.pop(client_order_id, None)
        elif event == "accepted":
            self.open_orders[client_order_id] = None

    def take_account(self, open_orders: Sequence[Sequence[Any]]) -> None:
        """Take the state of the account: what rests is what it says."""
        self.open_orders = {order[1]: None for order in open_orders}

    def disconnected(self) -> None:
        """Give up the replies of a connection that has ended; the orders may stand, and the account will show it."""
        self._counts.orders_unanswered += len(self._sent)
        self._sent.clear()
        self._executing.clear()

    def _rest(self, instrument: str, quote: Quote) -> dict[str, Any]:
        """Rest at or behind the best price of one side; a side that is empty begins a tick from the other."""
        distance = int(self._random.random() * (DISTANCE_MAX + 1))
        if self._random.random() < 0.5:
            return self._order(instrument, "bid", (quote.bid or quote.ask - 1) - distance, "gtc")
        return self._order(instrument, "ask", (quote.ask or quote.bid + 1) + distance, "gtc")

    def _take(self, instrument: str, quote: Quote) -> dict[str, Any]:
        if quote.ask and (not quote.bid or self._random.random() < 0.5):
            return self._order(instrument, "bid", quote.ask + THROUGH, "ioc")
        return self._order(instrument, "ask", quote.bid - THROUGH, "ioc")

    def _order(self, instrument: str, side: str, price: int, time_in_force: str) -> dict[str, Any]:
        self._number += 1
        return {
            "op": "order",
            "client_order_id": f"{self._name}-{self._number}",
            "instrument": instrument,
            "side": side,
            "quantity": 1 + int(self._random.random() * QUANTITY_MAX),
            "price": max(price, 1),
            "time_in_force": time_in_force,
        }
