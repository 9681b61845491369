"""A user's private state."""

from __future__ import annotations

from openoutcry.wire.messages import OpenOrder
from openoutcry.wire.types import OrderKind, Side, TimeInForce
from services.matching.accounts.account import UserAccount
from services.matching.traded_instrument import TradedInstrument
from tests.unit.services.matching.flow import ACME, ask, bid


def test_finds_an_order_by_either_id() -> None:
    """Requests name orders by exactly one of them."""
    account = UserAccount("ann")
    order = ask(7, 100, 5, client_order_id="x")
    account.add(order)
    assert account.find(7, "") is account.find(0, "x") is order
    assert account.find(8, "") is account.find(0, "y") is None
    account.remove(order)
    assert account.find(7, "") is account.find(0, "x") is None


def test_forgetting_an_order_that_never_rested_harms_nothing() -> None:
    """An order may end as it arrives; a resting one of the same client's id, were there one, stays."""
    account = UserAccount("ann")
    resting = ask(7, 100, 5, client_order_id="x")
    account.add(resting)
    account.remove(bid(8, 100, 5, client_order_id="x"))
    assert account.find(0, "x") is resting


def test_lots_and_money_add_up() -> None:
    """A round trip at a profit of one tick."""
    market, account = TradedInstrument(ACME), UserAccount("ann")
    account.settle(market, Side.BID, 100, 3)
    account.settle(market, Side.ASK, 101, 3)
    assert account.positions == {"ACME": 0}
    assert account.cash == {"USD": 3 * 10_000}


def test_the_message_shows_open_orders_and_is_a_copy() -> None:
    """It is encoded later, and must not change meanwhile."""
    account = UserAccount("ann")
    order = ask(7, 100, 5, client_order_id="x")
    order.instrument, order.remaining = "ACME", 2
    account.add(order)
    message = account.message()
    account.remove(order)
    account.settle(TradedInstrument(ACME), Side.BID, 100, 3)
    assert message.orders == [OpenOrder(7, "x", "ACME", Side.ASK, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 2)]
    assert message.positions == {}
