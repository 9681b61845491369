"""What a special order may ask, and what an order with a minimum trades."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.tick_table import TickTable
from openoutcry.wire.types import Code, ExecutionEvent, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import PlaceOrder, PlaceSpecial, Tick
from shared.logs.packet import decode_packet, encode_packet
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import Desk, code, executions, outcome

BID, ASK = Side.BID, Side.ASK
DAY, GTD, IOC, FOK = TimeInForce.DAY, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK


@pytest.mark.parametrize(
    ("price", "asked", "text"),
    [
        (100, {"trigger": -1}, "trigger: must be from 1 on, in ticks, not -1"),
        (100, {"trigger": 90, "post_only": True}, "post_only: a stop trades when it is triggered"),
        (100, {"trigger": 90, "time_in_force": TimeInForce.AUCTION}, "time_in_force: a stop enters when"),
        (100, {"trigger": 90, "protection_bp": 5}, "protection_bp: only a stop without a limit has one"),
        (0, {"protection_bp": 5}, "protection_bp: only a stop without a limit has one"),
        (0, {"trigger": 90, "protection_bp": 10_000}, "protection_bp: must be from 1 to 9999, not 10000"),
        (0, {"time_in_force": DAY}, "time_in_force: a market order does not wait, and cannot be day"),
        (100, {"minimum": 6}, "minimum: must be from 1 to the quantity, 5, not 6"),
        (100, {"minimum": -1}, "minimum: must be from 1 to the quantity, 5, not -1"),
        (100, {"minimum": 5, "time_in_force": FOK}, "minimum: an order that is fok has none"),
        (100, {"minimum": 5, "post_only": True}, "minimum: a post-only order trades nothing on arrival, and has none"),
        (100, {"expires_at": 5}, "expires_at: only an order good till date (gtd) has one, this is gtc"),
        (100, {"expires_on": "2026-10-23", "time_in_force": DAY}, "expires_on: only an order good till date (gtd)"),
        (100, {"time_in_force": GTD}, "expires_at: an order good till date names either expires_at or expires_on"),
        (100, {"time_in_force": GTD, "expires_at": 5, "expires_on": "x"}, "expires_at: an order good till date names"),
    ],
)
def test_a_rule_of_form_names_its_field(price: int, asked: dict[str, Any], text: str) -> None:
    desk = Desk()
    events = desk.special("ann", BID, price, 5, **asked)
    assert code(events) is Code.BAD_REQUEST
    assert outcome(events).text.startswith(text)
    assert executions(events, "ann")[0].event is ExecutionEvent.REJECTED
    desk.engine.check_invariants()


def test_a_price_beside_a_market_stop_is_refused() -> None:
    events = Desk().special("ann", BID, 100, 5, trigger=90, kind=OrderKind.MARKET)
    assert outcome(events).text == "price: a market order has none"


def test_an_auction_order_needs_an_auction() -> None:
    refused = outcome(Desk().special("ann", BID, 100, 5, time_in_force=TimeInForce.AUCTION))
    assert refused.code is Code.NOT_OPEN
    assert refused.text == "time_in_force: ACME is in no call, and auction orders are for calls"


@pytest.mark.parametrize("times", [DAY, GTD])
def test_a_plain_order_cannot_be_one(times: TimeInForce) -> None:
    """The log's `PlaceOrder` is as it was: a gateway enters such orders as special ones."""
    assert code(Desk().place("ann", BID, 100, 5, time_in_force=times)) is Code.BAD_REQUEST


def test_a_trigger_is_a_price_of_the_instrument() -> None:
    assert code(Desk().special("ann", BID, 100, 5, trigger=1_001)) is Code.PRICE_OUT_OF_RANGE


def test_triggers_and_prices_of_protection_obey_the_tick_table() -> None:
    """A price of protection is rounded towards the trigger, so that no more is traded than the order allows."""
    desk = Desk()
    desk.engine.instruments["ACME"].ticks = TickTable([(1, 1), (100, 5)])
    refused = outcome(desk.special("ann", BID, 0, 5, trigger=122))
    assert (refused.code, refused.text) == (
        Code.OFF_TICK,
        "trigger: from 100 ticks on, prices are multiples of 5, not 122",
    )
    [bid] = executions(desk.special("ann", BID, 0, 5, trigger=120), "ann")
    [ask] = executions(desk.special("ann", ASK, 0, 5, trigger=115), "ann")
    assert (bid.price, ask.price) == (125, 110)


def test_a_special_order_may_be_post_only() -> None:
    desk = Desk()
    assert code(desk.special("ann", BID, 100, 5, time_in_force=DAY, post_only=True)) is Code.OK
    assert code(desk.special("bob", ASK, 100, 5, time_in_force=DAY, post_only=True)) is Code.WOULD_TRADE


def test_a_minimum_trades_so_much_at_once_or_nothing() -> None:
    desk = Desk()
    desk.place("mia", ASK, 100, 3)
    desk.place("mia", ASK, 101, 2)
    none = executions(desk.special("ann", BID, 101, 9, minimum=6), "ann")
    assert [(each.event, each.reason) for each in none][-1] == (ExecutionEvent.CANCELLED, Code.NOT_FILLABLE)
    some = executions(desk.special("ann", BID, 101, 9, minimum=5), "ann")
    assert [(each.fill_price, each.remaining) for each in some] == [(0, 9), (100, 6), (101, 4)]
    assert list(desk.engine.account("ann").orders) == [4]  # the rest waits, as its time in force says
    desk.engine.check_invariants()


def test_a_minimum_of_an_ioc_order_and_of_a_market_order() -> None:
    desk = Desk()
    desk.place("mia", ASK, 100, 3)
    none = executions(desk.special("ann", BID, 0, 9, minimum=4, time_in_force=IOC), "ann")
    assert none[-1].reason is Code.NOT_FILLABLE
    some = executions(desk.special("ann", BID, 0, 9, minimum=3, time_in_force=IOC), "ann")
    assert [each.reason for each in some] == [Code.OK, Code.OK, Code.NO_LIQUIDITY]


def test_own_orders_are_no_part_of_a_minimum() -> None:
    """As of fill-or-kill: under cancel_newest one's own order ends the arriving one, so it stops there."""
    desk = Desk()
    desk.place("ann", ASK, 100, 3)
    desk.place("mia", ASK, 100, 3)
    assert executions(desk.special("ann", BID, 100, 5, minimum=3), "ann")[-1].reason is Code.NOT_FILLABLE
    oldest = SelfTradePrevention.CANCEL_OLDEST
    assert len(desk.engine.account("ann").orders) == 1
    some = executions(desk.special("ann", BID, 100, 5, minimum=3, self_trade_prevention=oldest), "ann")
    assert [each.fill_quantity for each in some] == [0, 0, 3]


def test_case_1_fill_or_kill_and_own_orders() -> None:
    """u-417 holds 100 and rests an ask of 40; what a fok order needs, and what one that cannot fill leaves."""
    desk = Floor()
    desk.grant("u-417", 100)
    desk.deposit("u-417", 10_000)
    resting = desk.ask("u-417", 100, 40).order_id
    refused = desk.ask("u-417", 100, 100, time_in_force=FOK)
    assert refused.code is Code.INSUFFICIENT_HOLDINGS
    assert refused.text == "quantity: needs 100 lots, 60 are free (40 reserved by open orders)"
    for rules in ({"time_in_force": FOK}, {"minimum": 100}):
        prevention = SelfTradePrevention.CANCEL_OLDEST
        events = desk.special("u-417", BID, 100, 100, self_trade_prevention=prevention, **rules)
        assert executions(events, "u-417")[-1].reason is Code.NOT_FILLABLE
        assert list(desk.account("u-417").orders) == [resting]
        assert desk.cash("u-417") == (1_000_000, 0)


def test_a_special_order_reserves_as_others_do() -> None:
    desk = Floor()
    desk.deposit("ann", 10)
    assert code(desk.special("ann", BID, 100, 11, time_in_force=DAY)) is Code.INSUFFICIENT_CASH
    assert code(desk.special("ann", BID, 100, 10, time_in_force=DAY)) is Code.OK
    assert code(desk.special("ann", BID, 100, 1, trigger=50)) is Code.INSUFFICIENT_CASH


def test_a_packet_without_special_orders_is_what_it_was() -> None:
    """Gateways of before read it; one with them needs a newer version, and says so."""
    desk = Desk()
    builder = PacketBuilder(desk.engine)
    fields = ("ann", "ACME", "c1", BID, OrderKind.LIMIT, 100, 5, TimeInForce.GTC, False, "cancel_newest")
    special = ("ann", "ACME", "c2", *fields[3:7], DAY, *fields[8:], 0, 0, 0, "", 0, "")
    packets = []
    for number, command in enumerate((PlaceOrder("g", 1, *fields), PlaceSpecial("g", 2, *special), Tick("g", 3)), 1):
        builder.apply(command, number)
        packets.append(builder.take())
    plain, other, after = packets
    assert plain is not None
    assert other is not None
    assert after is not None
    assert (plain.version, len(plain.executions[0].execution)) == (2, 17)
    assert other.version == 4
    assert decode_packet(encode_packet(other)).executions[0].execution.expires_at > 0
    assert after.version == 2
