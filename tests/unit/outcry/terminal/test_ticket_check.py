"""A ticket before it is sent: what it comes to, and which field is wrong."""

from __future__ import annotations

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Terms
from openoutcry.wire.types import OrderKind, Side, TimeInForce
from outcry.terminal.ticket_check import Field, TicketDraft, TicketSetting, check_ticket, refused_field, step_price

ACME = Instrument("ACME", tick_size="0.01", lot_size=1, price_max=1_000_000, quantity_max=1_000)
TERMS = Terms("ACME", 0, 10_000, 1_000, [[1, 1], [10_000, 5]])
SETTING = TicketSetting(ACME, TERMS, 0, 9_990, 10_005, 1_000_000_000, 60)


def test_a_good_bid_says_its_value_and_what_it_reserves() -> None:
    checked = check_ticket(TicketDraft(price="1,00.50", quantity="4"), SETTING)
    assert (checked.errors, checked.price, checked.quantity) == ({}, 10_050, 4)
    assert checked.value == checked.reserves_money == 402_000_000


def test_an_ask_reserves_lots_and_may_be_short() -> None:
    checked = check_ticket(TicketDraft(Side.ASK, price="100.50", quantity="70"), SETTING)
    assert (checked.errors, checked.reserves_lots, checked.reserves_money) == ({}, 70, 0)


@pytest.mark.parametrize("time", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_order_that_never_rests_reserves_nothing_and_needs_what_it_needs(time: TimeInForce) -> None:
    for side in Side:
        checked = check_ticket(TicketDraft(side, OrderKind.LIMIT, time, "100.50", "4"), SETTING)
        assert (checked.errors, checked.reserves_money, checked.reserves_lots) == ({}, 0, 0)
        assert checked.value == 402_000_000
    dear = check_ticket(TicketDraft(Side.BID, OrderKind.LIMIT, time, "100.50", "100"), SETTING)
    assert dear.errors == {Field.QUANTITY: "needs more money than is free"}


def test_a_market_order_is_worth_what_the_other_side_asks() -> None:
    checked = check_ticket(TicketDraft(Side.BID, OrderKind.MARKET, quantity="2"), SETTING)
    assert (checked.errors, checked.price, checked.value) == ({}, 0, 2 * 10_005 * 10_000)
    assert checked.reserves_money == 0, "it does not rest"


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ("", "at which price?"),
        ("abc", "is a Decimal"),
        ("0", "is above 0"),
        ("99.999", "the nearest are 99.99 and 100.00"),
        ("100.51", "the nearest are 100.50 and 100.55"),
        ("20000", "is at most 10,000.00"),
        ("110.05", "is at most 110.00: 10 % from the reference price"),
        ("89.99", "is at least 90.00: 10 % from the reference price"),
    ],
)
def test_a_price_that_cannot_be_is_told_at_the_price(price: str, said: str) -> None:
    assert said in check_ticket(TicketDraft(price=price, quantity="1"), SETTING).errors[Field.PRICE]


@pytest.mark.parametrize(
    ("lots", "said"),
    [
        ("", "how many lots?"),
        ("0", "from 1"),
        ("1.5", "is a whole number of lots"),
        ("1001", "one order has at most 1,000 lots"),
        ("100", "needs more money than is free"),
    ],
)
def test_lots_that_cannot_be_are_told_at_the_lots(lots: str, said: str) -> None:
    checked = check_ticket(TicketDraft(price="100", quantity=lots), SETTING)
    assert said in checked.errors[Field.QUANTITY]
    assert Field.PRICE not in checked.errors


def test_without_accounts_nothing_is_reserved() -> None:
    checked = check_ticket(TicketDraft(price="100", quantity="900"), replace_money(None))
    assert (checked.errors, checked.reserves_money, checked.value) == ({}, 0, 90_000_000_000)


def replace_money(free: int | None) -> TicketSetting:
    return SETTING._replace(free_money=free, free_lots=free)


@pytest.mark.parametrize(
    ("code", "text", "field", "said"),
    [
        ("collar", "price: 120.00 is above 110.00", Field.PRICE, "120.00 is above 110.00"),
        ("order_value", "quantity: the order is worth 101.00 USD", Field.QUANTITY, "the order is worth 101.00 USD"),
        ("blackout", "instrument: ACME is closed to finance", Field.ORDER, "instrument: ACME is closed to finance"),
        ("insufficient_cash", "no money", Field.QUANTITY, "no money"),
        ("busy", "", Field.ORDER, "busy"),
    ],
)
def test_a_refusal_stands_at_the_field_that_it_names(code: str, text: str, field: Field, said: str) -> None:
    assert refused_field(code, text) == (field, said)


def test_prices_are_stepped_along_the_table() -> None:
    assert step_price("100.00", 1, SETTING) == "100.05"
    assert step_price("100.00", -2, SETTING) == "99.98"
    assert step_price("0.01", -1, SETTING) == "0.01"
    assert step_price("", 1, SETTING) == "99.90"
