"""What a token entitles to, and which roles may enter orders: nothing of others is seen, not even that it is there."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Delta, Message, Reply, Snapshot, Status, Terms, Ticker, Trade
from openoutcry.wire.types import Code, MarketState, Side
from services.gateway.gateway import ConnectedClient
from services.gateway.limits import GatewayLimits
from shared.identity import Identity, mint_token
from shared.logs.commands import CancelAll, PlaceOrder
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_gateway import SECRET, House

ORDER = {"op": "order", "client_order_id": "a", "instrument": "ACME", "side": "bid", "price": 5, "quantity": 1}
REPLACE = {"op": "replace", "order_id": 1, "price": 6}


def entered(house: House, *instruments: str, roles: tuple[str, ...] | None = None) -> tuple[ConnectedClient, Listener]:
    listener = Listener()
    identity = Identity("ann", frozenset(roles or ()), names_roles=roles is not None, instruments=instruments)
    return house.gateway.open("s1", listener.encoding, listener, identity, house.now, house.time_us), listener


def replied(messages: list[Message]) -> Reply:
    [found] = [each for each in messages if isinstance(each, Reply)]
    return found


@pytest.mark.parametrize("channel", ["book", "top", "ticker", "trades", "status"])
def test_all_are_those_that_one_may_see(channel: str) -> None:
    """Those listed later too."""
    house = House("ACME", "BETA", "IDEA-1")
    client, listener = entered(house, "A*", "IDEA-*")
    other, sees_all = house.enter("bob")
    for who, hears in ((client, listener), (other, sees_all)):
        house.ask(who, hears, op="subscribe", channel=channel)
    for n, symbol in enumerate(("ACME", "BETA", "IDEA-1"), 1):
        trade = Trade(symbol, n, 1, house.time_us, 5, 1, Side.BID)
        house.feed(symbol=symbol, bids=[(5, 1)], trades=[trade], statuses=[Status(symbol, MarketState.HALTED, "x", n)])
    house.feed(listings=[Instrument("IDEA-2"), Instrument("BETA-2")])
    assert symbols(listener) == {"ACME", "IDEA-1", "IDEA-2"}
    assert symbols(sees_all) >= {"ACME", "BETA", "IDEA-1", "BETA-2"}


def symbols(listener: Listener) -> set[str]:
    named = [getattr(each, "instrument", getattr(each, "symbol", None)) for each in listener.messages]
    return {symbol for symbol in named if symbol is not None}


def test_others_are_as_unknown_as_what_is_not_listed() -> None:
    house = House("ACME", "BETA")
    client, listener = entered(house, "ACME")
    texts = []
    for symbol in ("BETA", "NONE"):
        answer = replied(house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME", symbol]))
        texts.append((answer.code, answer.text.replace(symbol, "X")))
    assert texts == [(Code.UNKNOWN_INSTRUMENT, "instruments: X is not listed")] * 2
    house.ask(client, listener, op="subscribe", channel="book")
    answer = replied(house.ask(client, listener, op="resync", instrument="BETA"))
    assert answer.code is Code.NOT_SUBSCRIBED
    house.ask(client, listener, op="resync", instrument="ACME")
    assert [each.instrument for each in listener.heard(Snapshot)] == ["ACME"]


def test_the_listing_is_of_what_one_may_see() -> None:
    house = House("ACME", "BETA")
    client, listener = entered(house, "ACME")
    messages = house.ask(client, listener, op="instruments")
    assert replied(messages).data == {"count": 1}
    assert [each.symbol for each in messages if isinstance(each, Instrument)] == ["ACME"]
    listener.forget()
    house.feed(terms=[Terms("BETA", 1, 5, 5), Terms("ACME", 1, 5, 5)])
    assert [each.instrument for each in listener.heard(Terms)] == ["ACME"]


def test_orders_are_for_what_one_may_see() -> None:
    house = House("ACME", "BETA")
    client, listener = entered(house, "ACME", roles=("market_maker",))
    quote = {"op": "quote", "quote_id": "q", "pairs": [{"instrument": "ACME"}, {"instrument": "BETA"}]}
    for request in (ORDER | {"instrument": "BETA"}, quote):
        answer = replied(house.ask(client, listener, **request))
        assert (answer.code, answer.text) == (Code.UNKNOWN_INSTRUMENT, "instrument: there is no BETA")
    house.ask(client, listener, **ORDER)
    house.ask(client, listener, op="cancel_all", instrument="BETA")
    assert [type(each) for each in house.gateway.orders.take_batch()] == [PlaceOrder, CancelAll]


@pytest.mark.parametrize(
    ("roles", "text"),
    [
        (("viewer",), "role: viewer may not enter orders"),
        ((), "role: viewer may not enter orders"),
        (("admin", "compliance"), "role: admin, compliance may not enter orders"),
        (("trader",), ""),
        (("admin", "market_maker"), ""),
        (None, ""),
    ],
)
@pytest.mark.parametrize("request_fields", [ORDER, REPLACE], ids=["order", "replace"])
def test_orders_need_a_role_where_the_token_names_roles(
    roles: tuple[str, ...] | None, text: str, request_fields: dict[str, Any]
) -> None:
    house = House()
    client, listener = entered(house, roles=roles)
    messages = house.ask(client, listener, **request_fields)
    if text:
        assert (replied(messages).code, replied(messages).text) == (Code.NOT_PERMITTED, text)
    assert len(house.gateway.orders.take_batch()) == (not text)


def test_without_roles_nobody_trades_where_the_gateway_says_so() -> None:
    house = House(limits=GatewayLimits(trades_without_roles=False))
    client, listener = entered(house)
    assert replied(house.ask(client, listener, **ORDER)).text == "role: viewer may not enter orders"
    house.ask(client, listener, op="cancel", order_id=1)
    assert len(house.gateway.orders.take_batch()) == 1


def test_a_newer_token_for_other_instruments_is_for_another_connection() -> None:
    house = House()
    client, listener = entered(house, "ACME")
    token = mint_token("ann", SECRET, 1000)
    answer = replied(house.ask(client, listener, op="login", token=token))
    assert answer.code is Code.ALREADY_AUTHENTICATED
    assert answer.text == "token: entitles to other instruments than this connection's, open another one"
    assert client.session.identity.instruments == ("ACME",)


def test_heartbeats_name_no_book_of_others() -> None:
    house = House("ACME", "BETA")
    client, listener = entered(house, "ACME")
    house.ask(client, listener, op="subscribe", channel="book")
    house.feed(symbol="BETA", bids=[(5, 1)])
    for turn in range(20):
        house.gateway.sweep(turn, house.now, house.time_us)
    assert "BETA" not in repr(listener.messages)
    assert not [each for each in listener.heard(Delta) + listener.heard(Ticker) if each.instrument == "BETA"]
