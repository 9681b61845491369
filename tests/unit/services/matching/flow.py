"""Short ways to make orders, commands and engines in tests."""

from __future__ import annotations

from typing import Any

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Execution
from openoutcry.wire.types import Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import Engine, EngineConfig, Order
from shared.logs.commands import Command, ListInstrument, PlaceOrder, PlaceSpecial
from shared.logs.events import Event, Outcome, PrivateExecution

ACME = Instrument("ACME", price_max=1_000, quantity_max=100)
MINUTE_US = 60_000_000


def ask(order_id: int, price: int, quantity: int, user: str = "ann", **rules: Any) -> Order:
    return Order(order_id, user, Side.ASK, price, quantity, **rules)


def bid(order_id: int, price: int, quantity: int, user: str = "bob", **rules: Any) -> Order:
    return Order(order_id, user, Side.BID, price, quantity, **rules)


class Desk:
    """An engine with ACME listed, and one writer that numbers its commands."""

    def __init__(self, **config: int) -> None:
        self.engine = Engine(EngineConfig(**config))
        self.number = 0
        self.time = MINUTE_US
        self.does(ListInstrument, ACME)

    def does(self, kind: Any, *fields: Any, source: str = "gateway") -> list[Event]:
        self.number += 1
        command: Command = kind(source, self.number, *fields)
        return self.engine.apply(command, self.time)

    def special(self, user: str, side: Side, price: int, quantity: int, **rules: Any) -> list[Event]:
        """Place a special order: price 0 is a market order, all else as `place`, and what makes it special by name."""
        self.number += 1
        given = {
            "kind": OrderKind.LIMIT if price else OrderKind.MARKET,
            "instrument": "ACME",
            "client_order_id": f"c{self.number}",
            "time_in_force": TimeInForce.GTC,
            "post_only": False,
            "self_trade_prevention": SelfTradePrevention.CANCEL_NEWEST,
            "trigger": 0,
            "protection_bp": 0,
            "expires_at": 0,
            "expires_on": "",
            "minimum": 0,
            "clearance": "",
            **rules,
        }
        fields = {"source": "gateway", "number": self.number, "user": user, "side": side}
        return self.engine.apply(PlaceSpecial(price=price, quantity=quantity, **fields, **given), self.time)

    def place(self, user: str, side: Side, price: int, quantity: int, **rules: Any) -> list[Event]:
        given = {
            "instrument": "ACME",
            "client_order_id": f"c{self.number + 1}",
            "kind": OrderKind.LIMIT,
            "time_in_force": TimeInForce.GTC,
            "post_only": False,
            "self_trade_prevention": SelfTradePrevention.CANCEL_NEWEST,
            **rules,
        }
        self.number += 1
        return self.engine.apply(
            PlaceOrder(
                "gateway",
                self.number,
                user,
                given["instrument"],
                given["client_order_id"],
                side,
                given["kind"],
                price,
                quantity,
                given["time_in_force"],
                given["post_only"],
                given["self_trade_prevention"],
            ),
            self.time,
        )


def outcome(events: list[Event]) -> Outcome:
    last = events[-1]
    assert isinstance(last, Outcome)
    return last


def code(events: list[Event]) -> Code:
    return outcome(events).code


def executions(events: list[Event], user: str) -> list[Execution]:
    return [event.execution for event in events if isinstance(event, PrivateExecution) and event.user == user]
