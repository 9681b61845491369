"""Stops: they wait for a trade at their trigger, and enter the book in the order in which trades elect them."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.messages import Trade
from openoutcry.wire.types import (
    BANK,
    Code,
    ExecutionEvent,
    MarketState,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TransferKind,
)
from services.matching.packet_builder import take_changes
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from services.matching.special_orders.waiting_orders import ELECTED_MAX
from shared.logs.commands import CancelAll, CancelOrder, ReplaceOrder, SetCancelOnDisconnect, SetMarketState, Tick
from shared.logs.events import Event, PrivateExecution
from shared.logs.market_commands import EndOrders
from shared.logs.rule_commands import SetKill
from tests.unit.services.matching.accounts.floor import DOLLAR, Floor
from tests.unit.services.matching.flow import Desk, code, executions, outcome

BID, ASK = Side.BID, Side.ASK
TRIGGERED = ExecutionEvent.TRIGGERED


def traded_at(*prices: int, **config: int) -> Desk:
    """A desk where one lot has traded at each price."""
    desk = Desk(**config)
    for price in prices:
        desk.place("mia", ASK, price, 1)
        desk.place("tom", BID, price, 1)
    return desk


def told(events: list[Event]) -> list[tuple[str, ExecutionEvent, int]]:
    """Whom what was told, at which price of a fill."""
    private = [event for event in events if isinstance(event, PrivateExecution)]
    return [(each.user, each.execution.event, each.execution.fill_price) for each in private]


def trades(events: list[Event]) -> list[int]:
    return [event.price for event in events if isinstance(event, Trade)]


def test_a_stop_waits_in_no_book() -> None:
    desk = traded_at(100)
    market = desk.engine.instruments["ACME"]
    seq, digest = market.book.seq, market.book.digest
    events = desk.special("ann", ASK, 90, 5, trigger=95)
    [accepted] = executions(events, "ann")
    assert (accepted.event, accepted.trigger, accepted.remaining) == (ExecutionEvent.ACCEPTED, 95, 5)
    assert (market.book.seq, market.book.digest) == (seq, digest)
    [order] = desk.engine.account("ann").message().orders
    assert (order.price, order.trigger, order.remaining) == (90, 95, 5)
    desk.engine.check_invariants()


@pytest.mark.parametrize(("side", "trigger"), [(BID, 100), (BID, 99), (ASK, 100), (ASK, 101)])
def test_a_stop_that_would_trigger_is_refused(side: Side, trigger: int) -> None:
    desk = traded_at(100)
    refused = outcome(desk.special("ann", side, 100, 5, trigger=trigger))
    assert refused.code is Code.WOULD_TRIGGER
    where = "above" if side is BID else "below"
    assert refused.text == f"trigger: must be {where} the last price, 100, not {trigger}"
    assert not desk.engine.account("ann").orders


def test_without_any_trade_the_reference_counts_and_without_that_nothing() -> None:
    desk = Floor()
    desk.deposit("bob", 1_000)
    assert code(desk.special("bob", BID, 101, 1, trigger=100)) is Code.OK
    desk.terms(100, 0)
    assert code(desk.special("bob", BID, 101, 1, trigger=100)) is Code.WOULD_TRIGGER
    assert code(desk.special("bob", BID, 101, 1, trigger=101)) is Code.OK


def test_any_trade_of_a_command_elects_not_only_its_last() -> None:
    """Last was 101; one bid trades at 100, 103, 105: the ask's stop at 100 comes first, then the bid's at 104."""
    desk = traded_at(101)
    for price in (100, 103, 105):
        desk.place("mia", ASK, price, 1)
    desk.special("sue", ASK, 90, 1, trigger=100)
    desk.special("ben", BID, 110, 1, trigger=104)
    events = desk.place("tom", BID, 105, 3)
    assert trades(events) == [100, 103, 105, 90]
    assert told(events)[-4:] == [
        ("sue", TRIGGERED, 0),
        ("ben", TRIGGERED, 0),
        ("ben", ExecutionEvent.FILLED, 90),
        ("sue", ExecutionEvent.FILLED, 90),
    ]
    desk.engine.check_invariants()


def test_the_nearest_to_the_price_before_comes_first_then_the_older() -> None:
    """One trade at 90, after one at 100, elects four stops."""
    desk = traded_at(100)
    for user, trigger in (("far", 91), ("near", 98), ("same", 95), ("twin", 95)):
        desk.special(user, ASK, 80, 1, trigger=trigger)
    desk.place("mia", BID, 90, 1)
    events = desk.place("tom", ASK, 90, 1)
    assert [user for user, event, _ in told(events) if event is TRIGGERED] == ["near", "same", "twin", "far"]


def test_what_a_stop_trades_elects_more_behind_those_that_wait() -> None:
    """A cascade is no recursion: first the two of the first trade, then what the first of them elects."""
    desk = traded_at(100)
    desk.place("mia", BID, 95, 1)
    desk.place("mia", BID, 90, 5)
    desk.special("one", ASK, 80, 1, trigger=96)
    desk.special("two", ASK, 80, 1, trigger=95)
    desk.special("three", ASK, 80, 1, trigger=92)
    events = desk.place("tom", ASK, 95, 1)
    assert [user for user, event, _ in told(events) if event is TRIGGERED] == ["one", "two", "three"]
    assert trades(events) == [95, 90, 90, 90]
    desk.engine.check_invariants()


def test_a_triggered_stop_is_an_order_like_others() -> None:
    """It rests at its limit, with its own id, and waits for nothing any more."""
    desk = traded_at(100)
    order_id = outcome(desk.special("ann", ASK, 97, 5, trigger=98)).order_id
    desk.place("mia", BID, 98, 1)
    desk.place("tom", ASK, 98, 1)
    market = desk.engine.instruments["ACME"]
    assert [(order.order_id, order.remaining) for order in market.book.orders.values()] == [(order_id, 5)]
    [order] = desk.engine.account("ann").message().orders
    assert (order.price, order.trigger, order.remaining) == (97, 0, 5)
    [change] = take_changes(desk.engine)
    assert change.asks == [[97, 5, 1]]


def test_a_stop_without_a_limit_gets_one_beyond_its_trigger() -> None:
    """5 % without a word, rounded towards the trigger; it rests there, and that is what is reserved."""
    desk = Floor()
    desk.grant("ann", 20, "OTHER")
    desk.deposit("bob", 20_000)
    desk.special("ann", ASK, 0, 20, instrument="OTHER", trigger=9_500)
    desk.special("bob", BID, 0, 10, instrument="OTHER", trigger=9_999, protection_bp=1_000)
    [ask], [bid] = (desk.engine.account(user).message().orders for user in ("ann", "bob"))
    assert (ask.kind, ask.price, ask.trigger) == ("limit", 9_025, 9_500)
    assert (bid.kind, bid.price, bid.trigger) == ("limit", 10_998, 9_999)
    assert desk.cash("bob") == (2_000_000, 109_980)
    assert desk.holding("ann", "OTHER").reserved == 20


def test_the_stop_of_the_story() -> None:
    """14:03 one order trades 96, 95, 94: `triggered`, then `filled` 20 @ 94, limit 90.25."""
    desk = Floor()
    desk.grant("ann", 20, "OTHER")
    desk.grant("tom", 40, "OTHER")
    desk.deposit("mia", 10_000)
    desk.bid("mia", 9_700, 1, instrument="OTHER")
    desk.ask("tom", 9_700, 1, instrument="OTHER")
    for price, lots in ((9_600, 5), (9_500, 5), (9_400, 30)):
        desk.bid("mia", price, lots, instrument="OTHER")
    desk.special("ann", ASK, 0, 20, instrument="OTHER", trigger=9_500)
    assert desk.holding("ann", "OTHER").reserved == 20
    events = desk.place("tom", ASK, 9_400, 12, instrument="OTHER")
    assert trades(events) == [9_600, 9_500, 9_400, 9_400]
    triggered, filled = executions(events, "ann")
    assert (triggered.event, triggered.price, triggered.trigger) == (TRIGGERED, 9_025, 0)
    assert (filled.fill_price, filled.fill_quantity, filled.remaining) == (9_400, 20, 0)
    assert desk.cash("ann") == (9_400 * 20, 0)


def test_a_stop_meets_what_an_order_meets() -> None:
    """Self-trade prevention and fill-or-kill hold when it is triggered; a stop of one's own is met by nobody."""
    desk = traded_at(100)
    desk.special("ann", BID, 110, 2, trigger=105, time_in_force=TimeInForce.FOK)
    desk.special("ann", ASK, 80, 2, trigger=90)
    fok = desk.place("ann", BID, 85, 1, time_in_force=TimeInForce.FOK)
    assert executions(fok, "ann")[-1].reason is Code.NOT_FILLABLE
    desk.place("ann", ASK, 105, 1, self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST)
    desk.place("mia", ASK, 105, 1)
    events = desk.place("tom", BID, 105, 2)
    assert [(each.event, each.reason) for each in executions(events, "ann")][-2:] == [
        (TRIGGERED, Code.OK),
        (ExecutionEvent.CANCELLED, Code.NOT_FILLABLE),
    ]
    desk.engine.check_invariants()


ENDS: dict[str, Any] = {
    "cancel": lambda desk, order_id: desk.does(CancelOrder, "ann", order_id, ""),
    "cancel by name": lambda desk, _: desk.does(CancelOrder, "ann", 0, "mine"),
    "cancel all": lambda desk, _: desk.does(CancelAll, "ann", "ACME"),
    "by exchange": lambda desk, _: desk.does(EndOrders, "root", "ann", None),
    "away": lambda desk, _: [event for _ in range(12) for event in desk.does(Tick)],
}


@pytest.mark.parametrize("way", ENDS)
def test_a_stop_ends_as_orders_end(way: str) -> None:
    desk = traded_at(100)
    desk.does(SetCancelOnDisconnect, "ann", way == "away")
    order_id = outcome(desk.special("ann", ASK, 80, 5, trigger=90, client_order_id="mine")).order_id
    desk.engine.take_changed()
    ended = executions(ENDS[way](desk, order_id), "ann")
    assert [(each.event, each.remaining, each.order_id) for each in ended] == [(ExecutionEvent.CANCELLED, 0, order_id)]
    assert not desk.engine.take_changed()
    desk.engine.check_invariants()
    desk.place("mia", BID, 85, 1)
    assert trades(desk.place("tom", ASK, 85, 1)) == [85]


def test_a_transfer_that_makes_room_ends_stops_too() -> None:
    """The newest first, until the money is free."""
    desk = Floor()
    desk.deposit("bob", 1_000)
    first = outcome(desk.special("bob", BID, 500, 100, trigger=400)).order_id
    desk.special("bob", BID, 400, 100, trigger=350)
    withdrawn = desk.transfer(TransferKind.WITHDRAWAL, "USD", "bob", BANK, 500 * DOLLAR, cancel_orders=True)
    assert outcome(withdrawn).cancelled == 1
    assert desk.cash("bob") == (50_000, 50_000)
    assert list(desk.account("bob").orders) == [first]


def test_a_kill_ends_stops_too() -> None:
    desk = Floor()
    desk.deposit("bob", 1_000)
    desk.special("bob", BID, 500, 100, trigger=400)
    killed = desk.does(SetKill, "root", "user", "bob", True, "left")
    assert [(each.event, each.reason) for each in executions(killed, "bob")] == [
        (ExecutionEvent.CANCELLED, Code.KILLED),
    ]
    assert desk.cash("bob") == (100_000, 0)


def test_a_stop_is_replaced_where_it_waits() -> None:
    """Its limit and its quantity, not its trigger; what it reserves follows."""
    desk = Floor()
    desk.deposit("bob", 100)
    order_id = outcome(desk.special("bob", BID, 50, 100, trigger=40)).order_id
    assert desk.cash("bob") == (10_000, 5_000)
    events = desk.does(ReplaceOrder, "bob", order_id, "", 60, None)
    [replaced] = executions(events, "bob")
    assert (replaced.event, replaced.price, replaced.remaining) == (ExecutionEvent.REPLACED, 60, 100)
    assert replaced.trigger == 40
    assert desk.cash("bob") == (10_000, 6_000)
    assert desk.replace("bob", order_id, 101, 100).code is Code.INSUFFICIENT_CASH
    assert desk.replace("bob", order_id, None, 90).code is Code.OK
    assert desk.cash("bob") == (10_000, 5_400)


def test_stops_count_as_open_orders() -> None:
    desk = traded_at(100, open_orders_max=2)
    desk.special("ann", ASK, 80, 1, trigger=90)
    desk.special("ann", ASK, 80, 1, trigger=90, time_in_force=TimeInForce.IOC)
    assert code(desk.special("ann", ASK, 80, 1, trigger=90)) is Code.TOO_MANY_OPEN_ORDERS
    assert code(desk.place("ann", ASK, 120, 1)) is Code.TOO_MANY_OPEN_ORDERS


def crowded(count: int) -> tuple[Desk, list[Event]]:
    """So many stops that one trade has just elected; a lot each, into nobody's bids."""
    desk = traded_at(100)
    for n in range(count):
        desk.special(f"u{n}", ASK, 80, 1, trigger=90)
    desk.place("mia", BID, 90, 1)
    return desk, desk.place("tom", ASK, 90, 1)


def test_a_command_places_so_many_stops_and_the_next_one_the_others() -> None:
    desk, events = crowded(ELECTED_MAX + 3)
    assert [event for _, event, _ in told(events)].count(TRIGGERED) == ELECTED_MAX
    desk.engine.check_invariants()
    assert len(desk.engine.account("u202").orders) == 1
    later = desk.does(CancelOrder, "u202", 0, "no such order")
    assert [user for user, event, _ in told(later) if event is TRIGGERED] == ["u200", "u201", "u202"]
    assert not desk.engine.electing
    desk.engine.check_invariants()


def test_a_crowd_is_told_to_whoever_asked() -> None:
    """Sessions begin a call then, which the others join."""
    desk = traded_at(100)
    crowds: list[str] = []
    desk.engine.waiting.on_crowd = lambda market: crowds.append(market.symbol)
    for n in range(ELECTED_MAX + 1):
        desk.special(f"u{n}", ASK, 80, 1, trigger=90)
    desk.place("mia", BID, 90, 1)
    desk.place("tom", ASK, 90, 1)
    assert crowds == ["ACME"]


def test_an_elected_stop_that_waits_can_be_cancelled_and_waits_out_a_halt() -> None:
    """While an instrument is halted no stop triggers, however many commands come."""
    desk, _ = crowded(ELECTED_MAX + 3)
    market = desk.engine.instruments["ACME"]
    # Halted by hand: a command would place the rest before it is applied.
    market.set_state = MarketState.HALTED
    market.find_state()
    assert not [each for each in told(desk.does(Tick)) if each[1] is TRIGGERED]
    assert code(desk.does(CancelAll, "u201", None)) is Code.OK
    desk.engine.check_invariants()
    events = desk.does(SetMarketState, "ACME", MarketState.OPEN, "")
    assert [user for user, event, _ in told(events) if event is TRIGGERED] == ["u200", "u202"]


def test_a_checkpoint_holds_stops_those_elected_too() -> None:
    desk = traded_at(100)
    desk.special("late", ASK, 60, 1, trigger=70, time_in_force=TimeInForce.DAY)
    desk.special("late", BID, 120, 1, trigger=119, minimum=1)
    desk.special("late", ASK, 110, 1, minimum=1)
    for n in range(ELECTED_MAX + 3):
        desk.special(f"u{n}", ASK, 80, 1, trigger=90)
    desk.place("mia", BID, 90, 1)
    desk.place("tom", ASK, 90, 1)
    desk = desk_again(desk)
    events = desk.does(Tick)
    assert [user for user, event, _ in told(events) if event is TRIGGERED] == ["u200", "u201", "u202"]


def desk_again(desk: Desk) -> Desk:
    """The same desk, its engine recovered from its checkpoint."""
    take_changes(desk.engine)
    data = encode_checkpoint(Checkpoint(desk.engine, 1, "store"))
    desk.engine = decode_checkpoint(data).engine
    desk.engine.check_invariants()
    assert encode_checkpoint(Checkpoint(desk.engine, 1, "store")) == data
    return desk
