"""The orders of one side that are believed to rest in the book: add, remove and draw at random, each O(1)."""

from __future__ import annotations

from random import Random
from typing import NamedTuple


class LiveOrder(NamedTuple):
    """One order of ours."""

    client_order_id: str
    user: str
    price: int
    quantity: int
    """Total in lots, filled part included."""


class LiveOrders:
    """A bag of orders by client order id."""

    def __init__(self) -> None:
        self._orders: list[LiveOrder] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, client_order_id: str) -> bool:
        return client_order_id in self._places

    def add(self, order: LiveOrder) -> None:
        """Add an order, or replace the one of the same id."""
        place = self._places.setdefault(order.client_order_id, len(self._orders))
        self._orders[place : place + 1] = [order]

    def discard(self, client_order_id: str) -> None:
        """Remove an order if it is here."""
        place = self._places.pop(client_order_id, None)
        if place is None:
            return
        last = self._orders.pop()
        if last.client_order_id != client_order_id:
            self._orders[place] = last
            self._places[last.client_order_id] = place

    def draw(self, random: Random) -> LiveOrder:
        """Return any one of them, which stays; there must be one."""
        # Not randrange: a float and a multiplication cost a quarter of it, and this runs for every second command.
        return self._orders[int(random.random() * len(self._orders))]
