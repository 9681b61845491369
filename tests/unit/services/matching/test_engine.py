"""The market's rules, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.account import tick_value
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Status, Trade
from openoutcry.wire.types import (
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    OrderKind,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from services.matching import idempotency
from shared.logs.commands import CancelAll, CancelOrder, ListInstrument, ReplaceOrder, SetMarketState, Tick
from shared.logs.events import Outcome
from tests.unit.services.matching.flow import ACME, MINUTE_US, Desk, code, executions, outcome

BID, ASK = Side.BID, Side.ASK


def test_an_accepted_order_is_told_to_its_user_and_its_gateway() -> None:
    """The user hears an execution, the gateway an outcome with the order's id."""
    desk = Desk()
    events = desk.place("ann", ASK, 100, 5, client_order_id="mine")
    [accepted] = executions(events, "ann")
    assert (accepted.event, accepted.order_id, accepted.client_order_id) == (ExecutionEvent.ACCEPTED, 1, "mine")
    assert (accepted.user_seq, accepted.time, accepted.remaining) == (1, MINUTE_US, 5)
    assert outcome(events) == Outcome("gateway", desk.number, Code.OK, "", 1, 0)


def test_a_trade_is_told_to_all_and_to_both_sides() -> None:
    """One trade, two fills, and the book's seq that includes it."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    events = desk.place("bob", BID, 101, 3)
    assert [event for event in events if isinstance(event, Trade)] == [Trade("ACME", 2, 1, MINUTE_US, 100, 3, BID)]
    accepted, taker = executions(events, "bob")
    [maker] = executions(events, "ann")
    assert accepted.event is ExecutionEvent.ACCEPTED
    assert (taker.event, taker.liquidity, taker.remaining) == (ExecutionEvent.FILLED, Liquidity.TAKER, 0)
    assert (maker.event, maker.liquidity, maker.remaining) == (ExecutionEvent.FILLED, Liquidity.MAKER, 2)
    assert (maker.fill_price, maker.fill_quantity, maker.trade_id) == (100, 3, 1)


def test_positions_and_cash_move_with_trades() -> None:
    """Lots one way, money the other, in millionths of the currency."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    desk.place("bob", BID, 100, 3)
    money = 3 * 100 * tick_value(ACME)
    ann, bob = desk.engine.accounts["ann"], desk.engine.accounts["bob"]
    assert (ann.positions, ann.cash) == ({"ACME": -3}, {"USD": money})
    assert (bob.positions, bob.cash) == ({"ACME": 3}, {"USD": -money})


def test_statistics_follow_trades() -> None:
    """Open, high, low and last are prices of trades, volume is lots."""
    desk = Desk()
    for price in (100, 103, 98, 99):
        desk.place("ann", ASK, price, 2)
        desk.place("bob", BID, price, 2)
    market = desk.engine.instruments["ACME"]
    assert market.statistics.row() == (99, 100, 103, 98, 8)


@pytest.mark.parametrize(
    ("price", "quantity", "rules", "refused"),
    [
        (0, 1, {}, Code.PRICE_OUT_OF_RANGE),
        (-5, 1, {}, Code.PRICE_OUT_OF_RANGE),
        (1_001, 1, {}, Code.PRICE_OUT_OF_RANGE),
        (100, 0, {}, Code.QUANTITY_OUT_OF_RANGE),
        (100, 101, {}, Code.QUANTITY_OUT_OF_RANGE),
        (100, 1, {"instrument": "NONE"}, Code.UNKNOWN_INSTRUMENT),
        (100, 1, {"kind": OrderKind.MARKET}, Code.BAD_REQUEST),
        (100, 1, {"post_only": True, "time_in_force": TimeInForce.IOC}, Code.BAD_REQUEST),
        (0, 1, {"post_only": True, "kind": OrderKind.MARKET}, Code.BAD_REQUEST),
    ],
)
def test_a_bad_order_is_an_event(price: int, quantity: int, rules: dict[str, object], refused: Code) -> None:
    """Never an exception: one user's mistake must not stop the market. The text names the field."""
    desk = Desk()
    events = desk.place("ann", BID, price, quantity, **rules)
    [rejected] = executions(events, "ann")
    assert (rejected.event, rejected.reason, rejected.order_id) == (ExecutionEvent.REJECTED, refused, 0)
    assert (outcome(events).code, outcome(events).order_id) == (refused, 0)
    assert ": " in outcome(events).text
    assert not desk.engine.take_changed()


def test_a_post_only_order_that_would_trade_is_rejected() -> None:
    """It gets no order id, and its own id stays free."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    events = desk.place("bob", BID, 100, 5, post_only=True, client_order_id="again")
    assert code(events) is Code.WOULD_TRADE
    assert [execution.event for execution in executions(events, "bob")] == [ExecutionEvent.REJECTED]
    assert outcome(desk.place("bob", BID, 99, 5, post_only=True, client_order_id="again")).order_id == 2


def test_an_order_that_ends_at_once_is_accepted_and_then_cancelled() -> None:
    """Killed, out of liquidity and self-trade are ends of an order, not refusals."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    for rules, reason in (
        ({"time_in_force": TimeInForce.FOK}, Code.NOT_FILLABLE),
        ({"time_in_force": TimeInForce.IOC}, Code.NO_LIQUIDITY),
    ):
        events = desk.place("bob", BID, 99, 9, **rules)
        assert code(events) is Code.OK
        accepted, cancelled = executions(events, "bob")
        assert accepted.event is ExecutionEvent.ACCEPTED
        assert (cancelled.event, cancelled.reason, cancelled.remaining) == (ExecutionEvent.CANCELLED, reason, 0)
    assert executions(desk.place("ann", BID, 100, 1), "ann")[-1].reason is Code.SELF_TRADE
    assert not desk.engine.accounts["bob"].orders


def test_a_client_order_id_is_used_once() -> None:
    """A repetition cannot trade twice, even after the order has ended; another user's ids are another matter."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5, client_order_id="x")
    assert code(desk.place("ann", ASK, 100, 5, client_order_id="x")) is Code.DUPLICATE_ORDER
    desk.does(CancelAll, "ann", None)
    assert code(desk.place("ann", ASK, 100, 5, client_order_id="x")) is Code.DUPLICATE_ORDER
    assert code(desk.place("bob", ASK, 100, 5, client_order_id="x")) is Code.OK


def test_others_orders_do_not_shorten_anybodys_window() -> None:
    """The ids of 33,024 orders of others once pushed this one out, and it was filled again."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    desk.place("bob", BID, 100, 2, client_order_id="once")
    for _ in range(33_024):
        desk.place("cat", BID, 0, 1, kind=OrderKind.MARKET, instrument="ACME")
    assert code(desk.place("bob", BID, 100, 2, client_order_id="once")) is Code.DUPLICATE_ORDER
    assert desk.engine.accounts["bob"].positions == {"ACME": 2}


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("changed", [{}, {"instrument": "NONE"}, {"price": 0}, {"side": BID, "post_only": True}])
def test_a_repetition_is_answered_with_the_first_order_and_nothing_else(changed: dict[str, Any], *, ends: bool) -> None:
    """Whatever else is wrong with it: a `rejected` with the live order's own id would make its user believe it dead."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    desk.place("bob", BID, 99, 2, client_order_id="x")
    if ends:
        desk.does(CancelAll, "bob", None)
    fields = {"user": "bob", "side": BID, "price": 99, "quantity": 2, **changed}
    events = desk.place(**fields, client_order_id="x")
    text = "client_order_id: x has been used before"
    assert events == [Outcome("gateway", desk.number, Code.DUPLICATE_ORDER, text, 2, 0)]


def test_the_id_of_an_open_order_is_never_forgotten() -> None:
    """The window moves on, but two open orders of one name could not be told apart."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5, client_order_id="open")
    desk.place("ann", ASK, 0, 1, client_order_id="ended", kind=OrderKind.MARKET)
    for _ in range(idempotency.WINDOW_S + 1):
        desk.time += 1_000_000
        desk.does(Tick)
    again = desk.place("ann", ASK, 100, 5, client_order_id="open")
    assert (code(again), outcome(again).order_id) == (Code.DUPLICATE_ORDER, 1)
    assert code(desk.place("ann", ASK, 100, 5, client_order_id="ended")) is Code.OK
    desk.engine.check_invariants()


def test_an_order_whose_id_finds_no_room_is_refused() -> None:
    """To forget another id for it could fill that order twice. Its own id stays free, and others go on."""
    desk = Desk(order_ids_max=9)
    codes = [code(desk.place("ann", ASK, 100, 1, client_order_id=f"a{n}")) for n in range(7)]
    assert codes == [Code.OK] * 5 + [Code.RATE_LIMITED] * 2
    events = desk.place("ann", ASK, 100, 1, client_order_id="more")
    assert "5" in outcome(events).text
    assert "600 s" in outcome(events).text
    assert [execution.event for execution in executions(events, "ann")] == [ExecutionEvent.REJECTED]
    assert code(desk.place("bob", BID, 100, 1)) is Code.OK
    assert code(desk.place("ann", ASK, 100, 1, client_order_id="a0")) is Code.DUPLICATE_ORDER
    for _ in range(idempotency.WINDOW_S + 1):
        desk.time += 1_000_000
        desk.does(Tick)
    assert code(desk.place("ann", ASK, 100, 1, client_order_id="more")) is Code.OK


def test_open_orders_are_limited_a_user() -> None:
    """One user cannot fill the book's memory; what cannot rest, and what frees a place, still goes."""
    desk = Desk(open_orders_max=2)
    desk.place("ann", ASK, 100, 5)
    desk.place("ann", ASK, 101, 5)
    events = desk.place("ann", ASK, 102, 5)
    assert code(events) is Code.TOO_MANY_OPEN_ORDERS
    assert "2" in outcome(events).text
    assert code(desk.place("ann", ASK, 100, 5, time_in_force=TimeInForce.IOC)) is Code.OK
    assert code(desk.place("bob", ASK, 102, 5)) is Code.OK
    desk.does(CancelOrder, "ann", 1, "")
    assert code(desk.place("ann", ASK, 102, 5)) is Code.OK


def test_one_command_meets_a_bounded_number_of_orders() -> None:
    """One IOC that met 10,000 held up the market for 200 ms. Everybody hears what became of the rest of it."""
    desk = Desk(orders_met_max=2)
    for _ in range(5):
        desk.place("ann", ASK, 100, 1)
    events = desk.place("bob", BID, 100, 9)
    assert code(events) is Code.OK
    told = executions(events, "bob")
    assert [execution.event for execution in told] == ["accepted", "filled", "filled", "cancelled"]
    assert (told[-1].reason, told[-1].remaining, told[-2].remaining) == (Code.TOO_MANY_MET, 0, 7)
    killed = desk.place("bob", BID, 100, 3, time_in_force=TimeInForce.FOK)
    assert [execution.reason for execution in executions(killed, "bob")] == [Code.OK, Code.NOT_FILLABLE]
    desk.place("bob", BID, 99, 3)
    order_id = desk.engine.last_order_id
    told = executions(desk.does(ReplaceOrder, "bob", order_id, "", 100, None), "bob")
    assert [execution.event for execution in told] == ["replaced", "filled", "filled", "cancelled"]
    assert (told[-1].reason, told[-1].order_id) == (Code.TOO_MANY_MET, order_id)
    assert not desk.engine.accounts["bob"].orders
    desk.engine.check_invariants()


def test_cancels_by_either_id_and_only_ones_own() -> None:
    """An order id is public; it must not be a key."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5, client_order_id="a")
    desk.place("ann", ASK, 101, 5, client_order_id="b")
    for user, order_id, name in (("bob", 1, ""), ("bob", 0, "a"), ("ann", 99, ""), ("ann", 0, "?"), ("new", 1, "")):
        events = desk.does(CancelOrder, user, order_id, name)
        assert code(events) is Code.UNKNOWN_ORDER
        assert len(events) == 1
    events = desk.does(CancelOrder, "ann", 1, "")
    [cancelled] = executions(events, "ann")
    assert (cancelled.event, cancelled.reason, cancelled.remaining) == (ExecutionEvent.CANCELLED, Code.BY_USER, 0)
    assert outcome(desk.does(CancelOrder, "ann", 0, "b")).order_id == 2
    assert not desk.engine.instruments["ACME"].book.orders


def test_cancel_all_ends_a_users_orders_of_one_instrument_or_all() -> None:
    """In order of their ids, with a count."""
    desk = Desk()
    desk.does(ListInstrument, Instrument("GPU"))
    for instrument in ("ACME", "GPU", "ACME"):
        desk.place("ann", ASK, 100, 5, instrument=instrument)
    desk.place("bob", ASK, 100, 5)
    events = desk.does(CancelAll, "ann", "ACME")
    assert [execution.order_id for execution in executions(events, "ann")] == [1, 3]
    assert outcome(events).cancelled == 2
    assert outcome(desk.does(CancelAll, "ann", None)).cancelled == 1
    assert outcome(desk.does(CancelAll, "nobody", None)).cancelled == 0
    assert code(desk.does(CancelAll, "ann", "NONE")) is Code.UNKNOWN_INSTRUMENT
    assert list(desk.engine.instruments["ACME"].book.orders) == [4]


def test_a_replaced_order_is_told_with_its_new_terms() -> None:
    """Then its fills, if it now crosses."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    desk.place("bob", BID, 98, 7, client_order_id="x")
    events = desk.does(ReplaceOrder, "bob", 0, "x", 100, 8)
    replaced, filled = executions(events, "bob")
    assert (replaced.event, replaced.price, replaced.quantity, replaced.remaining) == ("replaced", 100, 8, 8)
    assert (filled.event, filled.fill_quantity, filled.remaining) == ("filled", 5, 3)
    assert outcome(events).order_id == 2
    events = desk.does(ReplaceOrder, "bob", 2, "", None, 5)
    [ended] = executions(events, "bob")
    assert (ended.event, ended.reason, ended.remaining) == ("cancelled", Code.REPLACED_BELOW_FILLED, 0)
    assert code(events) is Code.OK
    assert not desk.engine.accounts["bob"].orders


@pytest.mark.parametrize(
    ("price", "quantity", "refused"),
    [
        (0, None, Code.PRICE_OUT_OF_RANGE),
        (1_001, None, Code.PRICE_OUT_OF_RANGE),
        (None, 101, Code.QUANTITY_OUT_OF_RANGE),
    ],
)
def test_a_bad_replace_changes_nothing(price: int | None, quantity: int | None, refused: Code) -> None:
    """The order stays as it is, and no execution says otherwise."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    events = desk.does(ReplaceOrder, "ann", 1, "", price, quantity)
    assert code(events) is refused
    assert len(events) == 1
    assert desk.engine.instruments["ACME"].book.asks.depth() == [[100, 5, 1]]
    assert code(desk.does(ReplaceOrder, "bob", 1, "", 101, None)) is Code.UNKNOWN_ORDER


def test_a_replace_that_would_trade_against_its_promise_is_refused() -> None:
    """Post-only holds for life."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    desk.place("bob", BID, 99, 5, post_only=True)
    events = desk.does(ReplaceOrder, "bob", 2, "", 100, None)
    assert code(events) is Code.WOULD_TRADE
    assert len(events) == 1


def test_a_halted_instrument_takes_no_orders_but_cancels() -> None:
    """Nobody may be locked into the book."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    desk.place("ann", ASK, 101, 5)
    events = desk.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    assert events[0] == Status("ACME", MarketState.HALTED, "news", MINUTE_US)
    events = desk.place("bob", BID, 100, 5)
    assert code(events) is Code.NOT_OPEN
    assert "news" in outcome(events).text
    assert code(desk.does(ReplaceOrder, "ann", 1, "", 99, None)) is Code.NOT_OPEN
    assert code(desk.does(CancelOrder, "ann", 1, "")) is Code.OK
    assert outcome(desk.does(CancelAll, "ann", None)).cancelled == 1
    desk.does(SetMarketState, "ACME", MarketState.OPEN, "")
    assert code(desk.place("bob", BID, 100, 5)) is Code.OK


def test_only_states_that_the_engine_knows_can_be_set() -> None:
    """Stale is a gateway's word, and auctions are not held yet. Saying the same state again is no news."""
    desk = Desk()
    assert code(desk.does(SetMarketState, "ACME", MarketState.STALE, "")) is Code.BAD_REQUEST
    assert code(desk.does(SetMarketState, "NONE", MarketState.HALTED, "")) is Code.UNKNOWN_INSTRUMENT
    events = desk.does(SetMarketState, "ACME", MarketState.OPEN, "")
    assert code(events) is Code.OK
    assert len(events) == 1


def test_listing_again_changes_nothing() -> None:
    """Every leader lists what its configuration names; a changed definition needs another symbol."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    events = desk.does(ListInstrument, ACME)
    assert code(events) is Code.OK
    assert len(events) == 1
    assert code(desk.does(ListInstrument, ACME._replace(lot_size=2))) is Code.BAD_REQUEST
    assert code(desk.does(ListInstrument, Instrument("lower"))) is Code.BAD_REQUEST
    assert desk.engine.instruments["ACME"].book.asks.depth() == [[100, 5, 1]]


def test_a_command_is_applied_once() -> None:
    """The log may be read again, and writers may append again what they are not sure of."""
    desk = Desk()
    command_count = desk.engine.position
    assert desk.does(Tick, source="leader")
    desk.number -= 1
    assert desk.does(Tick, source="leader") == []
    assert desk.does(Tick, source="another")
    assert desk.engine.position == command_count + 2


def test_time_never_falls() -> None:
    """A store that fails over may have a clock that is behind."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    desk.time -= 1_000
    events = desk.place("bob", BID, 100, 5)
    assert {execution.time for execution in executions(events, "bob")} == {MINUTE_US}


def test_self_trade_prevention_tells_the_resting_orders_user() -> None:
    """His order is gone although he did nothing to it."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5)
    events = desk.place("ann", BID, 100, 5, self_trade_prevention=SelfTradePrevention.CANCEL_BOTH)
    told = [
        (execution.event.value, execution.order_id, execution.reason.value) for execution in executions(events, "ann")
    ]
    assert told == [("accepted", 2, ""), ("cancelled", 1, "self_trade"), ("cancelled", 2, "self_trade")]
    desk.engine.check_invariants()
