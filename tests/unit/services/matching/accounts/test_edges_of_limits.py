"""Where limits begin and end, to the lot, the tick and the millionth. Each was found by a fault that no test saw."""

from __future__ import annotations

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import BANK, ISSUER, Code, OrderKind, TimeInForce, TransferKind
from services.matching.accounts.accounting import HOLDINGS_MAX
from services.matching.packet_builder import take_changes
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import ListInstrument
from tests.unit.services.matching.accounts.floor import DOLLAR, Floor
from tests.unit.services.matching.flow import code


def floor_of(*users: str) -> Floor:
    floor = Floor()
    for user in users:
        floor.deposit(user, 100_000)
        floor.grant(user, 500)
        floor.bid(user, 1, 1)  # so that most orders go the short way
    return floor


@pytest.mark.parametrize("more", [0, 1, 9_999])
def test_one_tick_more_than_the_value_is_too_much(more: int) -> None:
    """Whether the limit is a whole number of ticks or not: 10,001 of them are 73 lots at 137."""
    floor = floor_of("ann")
    floor.limit("ann", order_value_max=100 * DOLLAR + more)
    assert floor.bid("ann", 137, 73).code is Code.ORDER_VALUE
    assert floor.ask("ann", 137, 73).code is Code.ORDER_VALUE
    assert floor.bid("ann", 125, 80).code is Code.OK


def test_the_collar_follows_the_last_trade() -> None:
    floor = floor_of("ann", "bob")
    floor.terms(reference=100, collar_bp=1_000)
    assert floor.bid("ann", 110, 1).code is Code.OK
    assert floor.ask("bob", 110, 1).code is Code.OK  # the last price is 110
    assert floor.bid("ann", 121, 1).code is Code.OK
    assert floor.bid("ann", 98, 1).code is Code.COLLAR


def test_lots_and_value_both_count_within_a_collar() -> None:
    """A price within the collar alone says that no value is passed; of the lots it says nothing."""
    floor = floor_of("ann")
    floor.terms(reference=100, collar_bp=1_000)
    floor.limit("ann", order_quantity_max=5, order_value_max=100 * DOLLAR)
    assert floor.bid("ann", 100, 6).code is Code.QUANTITY_OUT_OF_RANGE
    assert floor.bid("ann", 100, 5).code is Code.OK
    floor.limit("ann", order_quantity_max=500, order_value_max=90 * DOLLAR)
    assert floor.bid("ann", 110, 81).code is Code.OK
    assert floor.bid("ann", 110, 82).code is Code.ORDER_VALUE
    assert floor.ask("ann", 91, 90).code is Code.OK
    assert floor.ask("ann", 91, 91).code is Code.ORDER_VALUE  # it brings 100 each at least


def test_a_market_ask_is_worth_the_best_bid_even_beyond_its_own_collar() -> None:
    """The collar of one is none of the other's, and an ask takes any price above it."""
    floor = floor_of("ann", "bob")
    floor.terms(reference=100, collar_bp=0)
    floor.limit("ann", collar_bp=1_000, order_value_max=15 * DOLLAR)
    assert floor.bid("bob", 200, 20).code is Code.OK
    market = {"kind": OrderKind.MARKET, "time_in_force": TimeInForce.IOC}
    assert floor.ask("ann", 0, 10, **market).code is Code.ORDER_VALUE
    assert floor.ask("ann", 0, 7, **market).code is Code.OK


def test_all_groups_of_a_user_count() -> None:
    floor = floor_of("ann", "bob")
    floor.join("ann", "a", "strict")
    floor.join("bob", "a", "wide")
    floor.limit(group="strict", order_quantity_max=5)
    assert floor.bid("bob", 10, 6).code is Code.OK
    assert floor.bid("ann", 10, 6).code is Code.QUANTITY_OUT_OF_RANGE


def test_limits_of_a_new_group_count_at_once() -> None:
    floor = floor_of("ann")
    floor.limit(group="strict", order_quantity_max=5)
    assert floor.bid("ann", 10, 6).code is Code.OK
    floor.join("ann", "strict")
    assert floor.bid("ann", 10, 6).code is Code.QUANTITY_OUT_OF_RANGE
    floor.join("ann")
    assert floor.bid("ann", 10, 6).code is Code.OK


def test_of_rates_and_of_short_sales_the_strictest_count_too() -> None:
    floor = floor_of("ann")
    floor.join("ann", "a")
    floor.limit(may_short=0)
    floor.limit(group="a", messages_per_second=1)
    floor.limit("ann", messages_per_second=9, may_short=100)
    assert floor.ask("ann", 100, 100).code is Code.OK
    assert floor.bid("ann", 10, 1).code is Code.RATE_LIMITED
    floor.limit(group="a")
    floor.transfer(TransferKind.FORFEIT, "ACME", "ann", ISSUER, 400)
    floor.time += 10_000_000
    assert floor.ask("ann", 100, 1).code is Code.INSUFFICIENT_HOLDINGS


def test_lots_held_back_are_not_free_beyond_those_held_either() -> None:
    """Who sold short what waits owes it: 10 more that wait are no 10 to sell."""
    floor = Floor()
    floor.grant("ann", 10, available_from=floor.time + 1)
    floor.limit("ann", may_short=10)
    floor.deposit("bob", 100)
    floor.bid("bob", 100, 10)
    floor.ask("ann", 100, 10)
    assert floor.holding("ann").lots == 0
    assert floor.ask("ann", 100, 1).code is Code.INSUFFICIENT_HOLDINGS


@pytest.mark.parametrize("room", [0, 1])
def test_holdings_end_at_their_bound(room: int) -> None:
    floor = floor_of("ann")
    floor.deposit("bob", 100)
    leave_room(floor, room)
    assert floor.bid("bob", 10, 1).code is (Code.OK if room else Code.TOO_MANY_HOLDINGS)


@pytest.mark.parametrize(("room", "found"), [(0, Code.TOO_MANY_HOLDINGS), (1, Code.TOO_MANY_HOLDINGS), (2, Code.OK)])
def test_a_grant_may_need_two_holdings(room: int, found: Code) -> None:
    floor = Floor()
    leave_room(floor, room)
    assert code(floor.transfer(TransferKind.GRANT, "ACME", ISSUER, "bob", 1)) is found


def leave_room(floor: Floor, room: int) -> None:
    """Let so many holdings more be the last ones; a compiled engine's constants cannot be changed."""
    assert floor.engine.accounting is not None
    floor.engine.accounting.holdings.held = HOLDINGS_MAX - room


def test_a_withdrawal_ends_no_orders_of_another_currency() -> None:
    floor = Floor()
    floor.does(ListInstrument, Instrument("EURO", currency="EUR"))
    floor.transfer(TransferKind.DEPOSIT, "EUR", BANK, "ann", 10 * DOLLAR)
    floor.deposit("ann", 10)
    dollars = floor.bid("ann", 100, 10)
    euros = floor.bid("ann", 100, 10, instrument="EURO")
    withdrawn = floor.transfer(TransferKind.WITHDRAWAL, "USD", "ann", BANK, DOLLAR, cancel_orders=True)
    assert code(withdrawn) is Code.OK
    assert list(floor.account("ann").orders) == [euros.order_id]
    assert dollars.order_id == euros.order_id - 1


def test_a_forfeit_leaves_the_order_of_dates() -> None:
    floor = Floor()
    for n in (1, 2, 3):
        floor.grant("ann", 10, available_from=floor.time + n)
    for _ in range(3):
        floor.transfer(TransferKind.FORFEIT, "ACME", "ann", ISSUER, 5)
    assert [(until - floor.time, lots) for until, _, lots in floor.holding("ann").restricted] == [(1, 10), (2, 5)]


MARKET = {"kind": OrderKind.MARKET, "time_in_force": TimeInForce.IOC}


def test_a_market_bid_needs_no_more_than_it_may_take() -> None:
    """Neither what is beyond the collar, nor what is behind the last order that it may meet."""
    for config in ({}, {"orders_met_max": 1}):
        floor = Floor(**config)
        floor.grant("ann", 20)
        floor.deposit("bob", 10)
        floor.terms(reference=100, collar_bp=100 if not config else 0)
        floor.ask("ann", 100, 10)
        floor.ask("ann", 102, 10)
        assert floor.bid("bob", 0, 20, **MARKET).code is Code.OK
        assert floor.cash("bob") == (0, 0)


def test_a_checkpoint_keeps_the_messages_that_are_left() -> None:
    floor = floor_of("ann")
    floor.limit("ann", messages_per_second=2)
    floor.bid("ann", 10, 1)
    take_changes(floor.engine)
    floor.engine = decode_checkpoint(encode_checkpoint(Checkpoint(floor.engine, 1, "store"))).engine
    assert floor.bid("ann", 10, 1).code is Code.OK
    assert floor.bid("ann", 10, 1).code is Code.RATE_LIMITED
