"""Limits of users, groups and everybody: the strictest counts, and the refusal names it."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.types import Code, OrderKind, SelfTradePrevention, TimeInForce
from services.matching.accounts import limits as limits_module
from services.matching.accounts.limits import LimitTable
from services.matching.price_range import collar
from services.matching.traded_instrument import TradedInstrument
from shared.logs.market_commands import Limits, SetGroups, SetLimits, SetTerms
from tests.unit.services.matching import flow
from tests.unit.services.matching.accounts.floor import DOLLAR, OTHER, Floor
from tests.unit.services.matching.flow import outcome

ACME, ELSE = TradedInstrument(flow.ACME), TradedInstrument(OTHER)


def rich_floor() -> Floor:
    floor = Floor()
    for user in ("ann", "bob"):
        floor.deposit(user, 1_000_000)
        floor.grant(user, 1_000)
        floor.grant(user, 1_000, "OTHER")
    return floor


def test_the_strictest_of_all_that_concern_an_order_counts() -> None:
    floor = rich_floor()
    floor.join("ann", "traders", "juniors")
    floor.limit(order_quantity_max=50)
    floor.limit(group="juniors", order_quantity_max=20)
    floor.limit(user="ann", instrument="ACME", order_quantity_max=30)
    refused = floor.bid("ann", 100, 21)
    assert refused.code is Code.QUANTITY_OUT_OF_RANGE
    assert refused.text == "quantity: one order of yours has at most 20 lots, not 21"
    assert floor.bid("bob", 100, 50).code is Code.OK
    floor.join("ann", "traders")
    assert floor.bid("ann", 100, 30).code is Code.OK
    assert floor.bid("ann", 100, 31, instrument="OTHER").code is Code.OK
    floor.limit(user="ann", instrument="ACME")  # all None: gone
    assert floor.bid("ann", 100, 50).code is Code.OK
    assert floor.bid("ann", 100, 51).code is Code.QUANTITY_OUT_OF_RANGE


def test_an_order_is_worth_no_more_than_it_may() -> None:
    floor = rich_floor()
    floor.limit(order_value_max=100 * DOLLAR)
    assert floor.bid("ann", 100, 100).code is Code.OK
    refused = floor.bid("ann", 101, 100)
    assert (refused.code, refused.text) == (
        Code.ORDER_VALUE,
        "quantity: the order is worth 101.00 USD, one of yours at most 100.00",
    )
    assert floor.replace("ann", 1, 101, None).code is Code.ORDER_VALUE
    floor.terms(reference=200, collar_bp=0)
    market = {"kind": OrderKind.MARKET, "time_in_force": TimeInForce.IOC}
    assert floor.ask("ann", 0, 51, **market).code is Code.ORDER_VALUE  # at the reference


def test_no_market_order_is_worth_less_than_it_would_trade_for() -> None:
    """Without a reference, or with one far below the book, it would pass every limit of value."""
    market = {"kind": OrderKind.MARKET, "time_in_force": TimeInForce.IOC}
    for reference in (0, 1):
        floor = rich_floor()
        floor.terms(reference, collar_bp=0)
        floor.limit("ann", order_value_max=10 * DOLLAR)
        floor.bid("bob", 500, 3)
        floor.ask("bob", 900, 1)
        floor.ask("bob", 1000, 1)
        assert floor.bid("ann", 0, 2, **market).text.startswith("quantity: the order is worth 19.00 USD")
        assert floor.ask("ann", 0, 3, **market).text.startswith("quantity: the order is worth 15.00 USD")
        assert floor.bid("ann", 0, 1, **market).code is Code.OK
        assert floor.ask("ann", 0, 1, **market).code is Code.OK


def test_an_ask_far_below_the_market_is_worth_what_the_market_pays() -> None:
    floor = rich_floor()
    floor.terms(reference=100, collar_bp=0)
    floor.limit("ann", order_value_max=10 * DOLLAR)
    assert floor.ask("ann", 1, 11).code is Code.ORDER_VALUE
    assert floor.ask("ann", 1, 10).code is Code.OK
    assert floor.replace("ann", 1, None, 11).code is Code.ORDER_VALUE
    assert floor.ask("ann", 101, 10).code is Code.ORDER_VALUE
    assert floor.bid("ann", 1, 11, self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST).code is Code.OK


def test_prices_stay_within_the_collar() -> None:
    floor = rich_floor()
    floor.terms(reference=100, collar_bp=1_000)
    refused = floor.bid("ann", 112, 1)
    assert (refused.code, refused.text) == (
        Code.COLLAR,
        "price: 112 is more than 10 % above the reference 100 (at most 110)",
    )
    assert floor.ask("ann", 89, 1).text == "price: 89 is more than 10 % below the reference 100 (at least 90)"
    resting = floor.bid("ann", 110, 1).order_id
    assert floor.replace("ann", resting, 111, None).code is Code.COLLAR
    floor.ask("bob", 110, 1)  # the last trade is the reference from here on
    assert floor.bid("ann", 121, 1).code is Code.OK
    assert floor.bid("ann", 122, 1).text == "price: 122 is more than 10 % above the reference 110 (at most 121)"
    floor.limit(user="ann", collar_bp=50)
    assert floor.bid("ann", 111, 1).text == "price: 111 is more than 0.5 % above the reference 110 (at most 110)"


def test_a_market_order_takes_no_price_beyond_the_collar() -> None:
    floor = rich_floor()
    floor.ask("bob", 105, 3)
    floor.ask("bob", 120, 3)
    floor.bid("bob", 80, 3)
    floor.terms(reference=100, collar_bp=1_000)
    market = {"kind": OrderKind.MARKET, "time_in_force": TimeInForce.IOC}
    before = floor.cash("ann")[0]
    floor.bid("ann", 0, 6, **market)
    assert floor.cash("ann")[0] == before - 315
    floor.ask("ann", 0, 3, **market)
    assert len(floor.engine.instruments["ACME"].book.bids.levels) == 1


@pytest.mark.parametrize(
    ("reference", "bp", "found"), [(100, 1_000, (90, 110)), (99, 1_000, (90, 108)), (1, 9_999, (1, 1)), (3, 1, (3, 3))]
)
def test_a_collar_is_rounded_inwards(reference: int, bp: int, found: tuple[int, int]) -> None:
    low, high = collar(reference, bp)
    assert (low, high) == found
    assert low * 10_000 >= reference * (10_000 - bp)
    assert high * 10_000 <= reference * (10_000 + bp)


def test_a_position_counts_what_is_held_and_what_is_bid() -> None:
    floor = rich_floor()
    floor.limit(user="ann", instrument="ACME", position_max=1_010)
    first = floor.bid("ann", 100, 6).order_id
    refused = floor.bid("ann", 100, 5)
    assert (refused.code, refused.text) == (
        Code.POSITION_LIMIT,
        "quantity: 1,000 lots held, 6 bid and these 5 are more than 1,010, which your position may be",
    )
    assert floor.bid("ann", 100, 4).code is Code.OK
    assert floor.replace("ann", first, None, 7).code is Code.POSITION_LIMIT
    assert floor.replace("ann", first, 101, 6).code is Code.OK
    assert floor.ask("ann", 200, 100).code is Code.OK


def test_open_orders_are_counted_in_all_and_in_one_instrument() -> None:
    floor = rich_floor()
    floor.limit(open_orders_max=3)
    floor.limit(instrument="ACME", open_orders_max=1)
    assert floor.bid("ann", 100, 1).code is Code.OK
    refused = floor.bid("ann", 100, 1)
    assert (refused.code, refused.text) == (Code.TOO_MANY_OPEN_ORDERS, "you may have 1 open orders of ACME")
    assert floor.bid("ann", 100, 1, time_in_force=TimeInForce.IOC).code is Code.OK  # never rests
    for _ in range(2):
        assert floor.bid("ann", 100, 1, instrument="OTHER").code is Code.OK
    assert floor.bid("ann", 100, 1, instrument="OTHER").text == "you may have 3 open orders"
    floor.cancel_all("ann")
    assert floor.bid("ann", 100, 1).code is Code.OK


def test_a_rate_counts_orders_and_replaces_and_cancels_are_free() -> None:
    floor = rich_floor()
    floor.limit(group="slow", messages_per_second=3)
    floor.join("ann", "slow")
    first = floor.bid("ann", 100, 1).order_id
    assert floor.replace("ann", first, 101, None).code is Code.OK
    assert floor.bid("ann", 100, 1).code is Code.OK
    refused = floor.bid("ann", 100, 1)
    assert (refused.code, refused.text) == (
        Code.RATE_LIMITED,
        "you may send 3 orders and replaces a second; cancels are free",
    )
    assert floor.replace("ann", first, 102, None).code is Code.RATE_LIMITED
    assert floor.cancel("ann", first).code is Code.OK
    floor.time += 333_333
    assert floor.bid("ann", 100, 1).code is Code.RATE_LIMITED
    floor.time += 1
    assert floor.bid("ann", 100, 1).code is Code.OK
    floor.time += 60_000_000  # a second's worth is all that gathers
    assert [floor.bid("ann", 100, 1).code for _ in range(4)] == [*[Code.OK] * 3, Code.RATE_LIMITED]


def test_limits_are_told_in_order_of_the_table() -> None:
    """The first that fails answers."""
    floor = Floor()
    floor.terms(reference=100, collar_bp=100)
    floor.limit(order_quantity_max=9, order_value_max=5 * DOLLAR, position_max=4, open_orders_max=0)
    codes = [floor.bid("ann", price, lots).code for price, lots in ((200, 10), (200, 9), (200, 2), (100, 5), (100, 4))]
    assert codes == [
        Code.QUANTITY_OUT_OF_RANGE,
        Code.ORDER_VALUE,
        Code.COLLAR,
        Code.POSITION_LIMIT,
        Code.TOO_MANY_OPEN_ORDERS,
    ]
    floor.limit()
    assert floor.bid("ann", 100, 4).code is Code.INSUFFICIENT_CASH


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (("ann", "group", None, {}), "group: limits are of a user or of a group, not of both"),
        (("~bank", "", None, {}), "user: '~bank' cannot be a user's name"),
        (("", "no good", None, {}), "group: is 1 to 32 letters, digits and . _ -, not 'no good'"),
        (("", "", "NONE", {}), "instrument: there is no NONE"),
        (("", "", None, {"order_quantity_max": 0}), f"order_quantity_max: must be from 1 to {2**63 - 1}, not 0"),
        (("", "", None, {"collar_bp": 10_000}), "collar_bp: must be from 1 to 9999, not 10000"),
        (("", "", None, {"may_short": -1}), f"may_short: must be from 0 to {2**63 - 1}, not -1"),
        (("", "", None, {"messages_per_second": 0}), "messages_per_second: must be from 1 to 1000000, not 0"),
        (
            ("", "", "ACME", {"messages_per_second": 5}),
            "messages_per_second: counts in all instruments, and cannot name one",
        ),
    ],
)
def test_wrong_limits_are_named(fields: tuple[Any, ...], fault: str) -> None:
    user, group, symbol, limits = fields
    floor = Floor()
    assert outcome(floor.does(SetLimits, "root", user, group, symbol, Limits(**limits))).text == fault
    assert floor.engine.accounting is not None
    assert floor.engine.accounting.limits.rows() == []


def test_wrong_terms_and_groups_are_named() -> None:
    floor = Floor()
    assert outcome(floor.does(SetTerms, "root", "NONE", 1, 1)).code is Code.UNKNOWN_INSTRUMENT
    assert outcome(floor.does(SetTerms, "root", "ACME", 1_001, 0)).text == (
        "reference: is from 1 to 1000 ticks, or 0 for none, not 1001"
    )
    assert outcome(floor.does(SetTerms, "root", "ACME", 1, 10_000)).text == (
        "collar_bp: is from 1 to 9999 basis points, or 0 for none, not 10000"
    )
    assert outcome(floor.does(SetGroups, "root", "ann", ("a", "b c"))).text == (
        "groups: each is 1 to 32 letters, digits and . _ -, not 'b c'"
    )
    assert outcome(floor.does(SetGroups, "root", "~bank", ())).text == "user: '~bank' cannot be a user's name"


def test_users_with_the_same_limits_share_what_they_are_judged_by() -> None:
    """A thousand users are a handful of classes."""
    floor = rich_floor()
    floor.join("ann", "x")
    floor.join("bob", "x")
    table = LimitTable([("", "x", None, Limits(order_quantity_max=3))])
    ann, bob = floor.account("ann"), floor.account("bob")
    assert table.gate(ann, ACME) is table.gate(bob, ACME)
    table.set("bob", "", None, Limits(order_quantity_max=2))
    assert table.gate(ann, ACME).order_quantity_max == 3
    assert table.gate(bob, ACME).order_quantity_max == 2
    table.set("bob", "", None, Limits())
    assert table.gate(ann, ACME) is table.gate(bob, ACME)


def test_rows_and_gates_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    floor = rich_floor()
    monkeypatch.setattr(limits_module, "LIMITS_MAX", 2)
    monkeypatch.setattr(limits_module, "GATES_MAX", 2)
    table = LimitTable([("ann", "", None, Limits(1)), ("bob", "", None, Limits(2))])
    assert not table.has_room("cat", "", None)
    assert table.has_room("ann", "", None)
    ann, bob = floor.account("ann"), floor.account("bob")
    found = [table.gate(*each).order_quantity_max for each in ((ann, ACME), (bob, ACME), (ann, ELSE), (bob, ELSE))]
    assert found == [1, 2, 1, 2]
