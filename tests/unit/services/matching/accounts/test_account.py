"""A user's private state."""

from __future__ import annotations

from openoutcry.wire.messages import OpenOrder
from openoutcry.wire.types import Liquidity, OrderKind, Side, TimeInForce
from services.matching.accounts.account import UserAccount
from services.matching.traded_instrument import TradedInstrument
from tests.unit.services.matching.flow import ACME, ask, bid

MARKET = TradedInstrument(ACME)


def test_finds_an_order_by_either_id() -> None:
    """Requests name orders by exactly one of them."""
    account = UserAccount("ann")
    order = ask(7, 100, 5, client_order_id="x")
    account.opened(order, MARKET, rests=True)
    assert account.find(7, "") is account.find(0, "x") is order
    assert account.find(8, "") is account.find(0, "y") is None
    account.closed(order, MARKET)
    assert account.find(7, "") is account.find(0, "x") is None


def test_an_order_that_ends_as_it_arrives_harms_no_other() -> None:
    """It is opened and closed like any other; a resting one of the same client's id, were there one, stays."""
    account = UserAccount("ann")
    resting, arriving = ask(7, 100, 5, client_order_id="x"), bid(8, 100, 5, client_order_id="x")
    account.opened(resting, MARKET, rests=True)
    account.opened(arriving, MARKET, rests=False)
    account.closed(arriving, MARKET)
    assert account.find(0, "x") is resting
    assert account.find(8, "") is None


def test_lots_and_money_add_up() -> None:
    """A round trip at a profit of one tick."""
    account = UserAccount("ann")
    account.filled(bid(1, 100, 3), MARKET, 100, 3, Liquidity.MAKER)
    account.filled(ask(2, 101, 3), MARKET, 101, 3, Liquidity.TAKER)
    assert account.positions == {"ACME": 0}
    assert account.cash == {"USD": 3 * 10_000}


def test_the_message_shows_open_orders_and_is_a_copy() -> None:
    """It is encoded later, and must not change meanwhile."""
    account = UserAccount("ann")
    order = ask(7, 100, 5, client_order_id="x")
    order.instrument, order.remaining = "ACME", 2
    account.opened(order, MARKET, rests=True)
    message = account.message()
    account.closed(order, MARKET)
    account.filled(bid(8, 100, 3), MARKET, 100, 3, Liquidity.MAKER)
    assert message.orders == [OpenOrder(7, "x", "ACME", Side.ASK, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 2)]
    assert message.positions == {}
