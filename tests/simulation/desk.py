"""What one simulated user asks of the exchange next: everything that the protocol offers to who trades.

Owns the choice and the memory of orders entered. Leaves sending, answers and repetitions of what is unsure to `user`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

PRICE: Final = 100
SPREAD: Final = 4
"""Prices are at most so many ticks from PRICE."""
QUANTITY_MAX: Final = 9
ENDS_US_MAX: Final = 3_000_000
"""How far ahead the end of an order is that ends by itself."""

Request = dict[str, Any]


class Desk:
    """
    One user's requests.

    Args:
        name: Begins every client order id.
        random: Of the choices.
        orders_of_others: Ids of orders in the feed, whoever's; asked when one is to be named.
        now_us: The clock of whoever sends, µs since 1970.
    """

    def __init__(
        self, name: str, random: Random, orders_of_others: Callable[[], Sequence[int]], now_us: Callable[[], int]
    ) -> None:
        self._name = name
        self._random = random
        self._orders_of_others = orders_of_others
        self._now_us = now_us
        self._entered: list[Request] = []
        kinds: dict[Callable[[Sequence[str]], Request], int] = {
            self._order: 60,
            self._cancel: 13,
            self._replace: 11,
            self._touch_anothers: 4,
            self._repeat: 4,
            self._cancel_all: 4,
            self._switch: 4,
        }
        self._kinds, self._weights = list(kinds), list(kinds.values())

    def next_request(self, instruments: Sequence[str]) -> Request:
        """Return a request, without an id."""
        [make] = self._random.choices(self._kinds, self._weights)
        return make(instruments)

    def _order(self, instruments: Sequence[str]) -> Request:
        random, draw = self._random, self._random.random()
        order: Request = {
            "op": "order",
            "client_order_id": f"{self._name}-{len(self._entered) + 1}",
            "instrument": random.choice(instruments),
            "side": random.choice(["bid", "ask"]),
            "quantity": random.randint(1, QUANTITY_MAX),
        }
        if draw < 0.06:
            order["kind"] = "market"
        else:
            order["price"] = self._price()
        if draw < 0.2:
            order["time_in_force"] = random.choice(["ioc", "fok", "auction"])
        elif draw < 0.3:
            order["post_only"] = True
        elif draw < 0.45:
            self._make_special(order)
        if draw > 0.8:
            order["self_trade_prevention"] = random.choice(["cancel_oldest", "cancel_both"])
        self._entered.append(order)
        return order

    def _make_special(self, order: Request) -> None:
        """Have an order wait for a price, end by itself, or trade so much or nothing."""
        random = self._random
        match random.choice(["stop", "protected", "gtd", "gtd stop", "day", "minimum"]):
            case "stop":
                order["trigger"] = self._price()
            case "protected":
                order |= {"kind": "market", "trigger": self._price(), "protection_bp": random.choice([100, 300])}
                del order["price"]
            case "minimum":
                order["minimum"] = random.randint(1, order["quantity"])
            case "day":
                order["time_in_force"] = "day"
            case ends:
                order |= {"time_in_force": "gtd", "expires_at": self._now_us() + random.randint(1, ENDS_US_MAX)}
                if ends != "gtd":
                    order["trigger"] = self._price()

    def _cancel(self, instruments: Sequence[str]) -> Request:
        return {"op": "cancel", "client_order_id": self._some_id()} if self._entered else self._order(instruments)

    def _replace(self, instruments: Sequence[str]) -> Request:
        if not self._entered:
            return self._order(instruments)
        return {"op": "replace", "client_order_id": self._some_id(), **self._change()}

    def _touch_anothers(self, instruments: Sequence[str]) -> Request:
        """Name an order that is probably another's, by the id that the exchange gave it."""
        known = self._orders_of_others()
        if not known:
            return self._order(instruments)
        order_id = self._random.choice(known[-30:])
        if self._random.random() < 0.5:
            return {"op": "cancel", "order_id": order_id}
        return {"op": "replace", "order_id": order_id, **self._change()}

    def _repeat(self, instruments: Sequence[str]) -> Request:
        """Enter an order again under its id, whatever became of it."""
        return self._random.choice(self._entered[-20:]) if self._entered else self._order(instruments)

    def _cancel_all(self, instruments: Sequence[str]) -> Request:
        of_one = {"instrument": self._random.choice(instruments)} if self._random.random() < 0.5 else {}
        return {"op": "cancel_all", **of_one}

    def _switch(self, _instruments: Sequence[str]) -> Request:
        return {"op": "cancel_on_disconnect", "on": self._random.random() < 0.7}

    def _price(self) -> int:
        return PRICE + self._random.randint(-SPREAD, SPREAD)

    def _some_id(self) -> str:
        """Name a late order as often as not: most of those before it have ended."""
        late = self._entered[-8:] if self._random.random() < 0.6 else self._entered
        return str(self._random.choice(late)["client_order_id"])

    def _change(self) -> Request:
        draw = self._random.random()
        price = {"price": self._price()} if draw < 0.7 else {}
        return {**price, **({"quantity": self._random.randint(1, QUANTITY_MAX)} if draw > 0.4 else {})}
