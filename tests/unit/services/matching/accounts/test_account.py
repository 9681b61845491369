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
    account.opened(order, rests=True)
    assert account.find(7, "") is account.find(0, "x") is order
    assert account.find(8, "") is account.find(0, "y") is None
    account.closed(order)
    assert account.find(7, "") is account.find(0, "x") is None


def test_an_order_that_ends_as_it_arrives_harms_no_other() -> None:
    """It is opened and closed like any other; a resting one of the same client's id, were there one, stays."""
    account = UserAccount("ann")
    resting, arriving = ask(7, 100, 5, client_order_id="x"), bid(8, 100, 5, client_order_id="x")
    account.opened(resting, rests=True)
    account.opened(arriving, rests=False)
    account.closed(arriving)
    assert account.find(0, "x") is resting
    assert account.find(8, "") is None


def test_lots_and_money_add_up() -> None:
    """A round trip at a profit of one tick."""
    market, account = TradedInstrument(ACME), UserAccount("ann")
    account.filled(bid(1, 100, 3), market, 100, 3)
    account.filled(ask(2, 101, 3), market, 101, 3)
    assert account.positions == {"ACME": 0}
    assert account.cash == {"USD": 3 * 10_000}


def test_the_message_shows_open_orders_and_is_a_copy() -> None:
    """It is encoded later, and must not change meanwhile."""
    account = UserAccount("ann")
    order = ask(7, 100, 5, client_order_id="x")
    order.instrument, order.remaining = "ACME", 2
    account.opened(order, rests=True)
    message = account.message()
    account.closed(order)
    account.filled(bid(8, 100, 3), TradedInstrument(ACME), 100, 3)
    assert message.orders == [OpenOrder(7, "x", "ACME", Side.ASK, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 2)]
    assert message.positions == {}
