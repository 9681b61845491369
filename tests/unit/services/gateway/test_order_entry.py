from __future__ import annotations

import pytest

from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.types import Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.gateway.limits import GatewayLimits
from services.gateway.order_entry import OrderEntry
from services.gateway.requests import Cancel, CancelEvery, CancelOnDisconnect, NewOrder, Replace, SpecialOrder
from services.gateway.session import Session
from shared.identity import Identity
from shared.logs.commands import (
    PRESENT_USERS_MAX,
    CancelAll,
    CancelOrder,
    PlaceOrder,
    PlaceSpecial,
    Present,
    ReplaceOrder,
    SetCancelOnDisconnect,
)
from shared.logs.events import Outcome

TALK = Session("s1", Encoding.MSGPACK, GatewayLimits(), now=0.0)
ANN = Identity("ann")


def special(**fields: object) -> SpecialOrder:
    given = {"op": "order", "id": 1, "client_order_id": "c1", "instrument": "ACME", "side": "bid", "quantity": 5}
    return SpecialOrder.model_validate(given | {"price": 100} | fields)


def order(**fields: object) -> NewOrder:
    given = {"op": "order", "id": 1, "client_order_id": "c1", "instrument": "ACME", "side": "bid", "quantity": 5}
    return NewOrder.model_validate(given | {"price": 100} | fields)


def test_every_request_becomes_its_command() -> None:
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, order(time_in_force="ioc"), 0.0)
    entry.submit(TALK, ANN, order(kind="market", price=None), 0.0)
    entry.submit(TALK, ANN, Cancel(op="cancel", id=2, order_id=7), 0.0)
    entry.submit(TALK, ANN, Replace(op="replace", id=3, client_order_id="c1", quantity=9), 0.0)
    entry.submit(TALK, ANN, CancelEvery(op="cancel_all", id=4), 0.0)
    entry.submit(TALK, ANN, CancelOnDisconnect(op="cancel_on_disconnect", id=5, on=True), 0.0)
    newest = SelfTradePrevention.CANCEL_NEWEST
    assert entry.take_batch() == [
        PlaceOrder("g", 1, "ann", "ACME", "c1", Side.BID, OrderKind.LIMIT, 100, 5, TimeInForce.IOC, False, newest),
        PlaceOrder("g", 2, "ann", "ACME", "c1", Side.BID, OrderKind.MARKET, 0, 5, TimeInForce.GTC, False, newest),
        CancelOrder("g", 3, "ann", 7, ""),
        ReplaceOrder("g", 4, "ann", 0, "c1", None, 9),
        CancelAll("g", 5, "ann", None),
        SetCancelOnDisconnect("g", 6, "ann", True),
    ]
    assert not entry.has_queued


def test_an_order_that_asks_more_is_a_special_one() -> None:
    """If only by its time in force; every other order stays the command that it was."""
    entry = OrderEntry("gateway-1", 10, 5.0)
    entry.submit(TALK, ANN, order(time_in_force="day"), 0.0)
    entry.submit(TALK, ANN, special(kind="market", price=None, trigger=90, protection_bp=300), 0.0)
    entry.submit(TALK, ANN, special(time_in_force="gtd", expires_at=7, minimum=5, clearance="C-17"), 0.0)
    entry.submit(TALK, ANN, special(time_in_force="gtd", expires_on="2026-10-23"), 0.0)
    commands = entry.take_batch()
    assert [type(command) for command in commands] == [PlaceSpecial] * 4
    assert [command[12:] for command in commands] == [
        (0, 0, 0, "", 0, ""),
        (90, 300, 0, "", 0, ""),
        (0, 0, 7, "", 5, "C-17"),
        (0, 0, 0, "2026-10-23", 0, ""),
    ]
    assert commands[0][:4] == ("gateway-1", 1, ANN.user, "ACME")
    assert commands[1][6:8] == ("market", 0)


def test_an_order_is_named_by_the_one_id_that_the_request_has() -> None:
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, Cancel(op="cancel", id=1, client_order_id="c1"), 0.0)
    entry.submit(TALK, ANN, Replace(op="replace", id=2, order_id=7, price=90), 0.0)
    assert entry.take_batch() == [CancelOrder("g", 1, "ann", 0, "c1"), ReplaceOrder("g", 2, "ann", 7, "", 90, None)]


def test_a_batch_is_bounded_and_order_is_kept() -> None:
    entry = OrderEntry("g", 1000, 5.0)
    for _ in range(600):
        entry.submit(TALK, ANN, order(), 0.0)
    assert [command.number for command in entry.take_batch()] == list(range(1, 513))
    assert [command.number for command in entry.take_batch()] == list(range(513, 601))


def test_presence_is_said_in_commands_of_bounded_size_between_orders() -> None:
    """Numbers ascend in the log, so what is said stands where it was queued; and nobody waits for its outcome."""
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, order(), 0.0)
    users = [f"u{number}" for number in range(PRESENT_USERS_MAX + 1)]
    entry.say_present(users)
    entry.submit(TALK, ANN, order(), 0.0)
    _, first, second, last = entry.take_batch()
    assert (first, second) == (Present("g", 2, tuple(users[:-1])), Present("g", 3, tuple(users[-1:])))
    assert (last.number, entry.in_flight) == (4, 2)
    entry.say_present([])
    assert not entry.has_queued


def test_presence_that_cannot_be_said_at_once_is_dropped() -> None:
    """While the log is away it would only pile up; the next round brings fresher news."""
    entry = OrderEntry("g", 10, 5.0)
    entry.say_present(["ann"])
    entry.say_present(["ann", "bob"])
    assert entry.take_batch() == [Present("g", 1, ("ann",))]
    entry.log_is_writable = False
    entry.say_present(["ann"])
    assert not entry.has_queued
    entry.log_is_writable = True
    entry.submit(TALK, ANN, order(), 0.0)
    entry.say_present(["ann"])
    assert [command.number for command in entry.take_batch()] == [2, 3]


def test_a_cancel_all_that_found_nothing_says_so() -> None:
    """Clients read the count; that of none was once left out."""
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, CancelEvery(op="cancel_all", id=4), 0.0)
    ((_, reply),) = entry.answer([Outcome("g", 1, Code.OK, "", 0, 0)])
    assert reply.data == {"cancelled": 0}


def test_the_feed_answers_each_request_once() -> None:
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, order(id="mine"), 0.0)
    outcome = Outcome("g", 1, Code.OK, "", 42, 0)
    assert entry.answer([outcome._replace(source="other")]) == []
    ((talk, reply),) = entry.answer([outcome, outcome])
    assert talk is TALK
    assert (reply.id, reply.ok, reply.data) == ("mine", True, {"order_id": 42})
    assert entry.answer([outcome]) == []
    assert entry.expire(1e9) == []


def test_a_refusal_keeps_its_code_and_text() -> None:
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, order(), 0.0)
    ((_, reply),) = entry.answer([Outcome("g", 1, Code.UNKNOWN_INSTRUMENT, "instrument: …", 0, 0)])
    assert (reply.ok, reply.code, reply.text) == (False, Code.UNKNOWN_INSTRUMENT, "instrument: …")


def test_no_answer_in_time_is_said_to_be_unknown() -> None:
    """Neither yes nor no would be true."""
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, order(), 0.0)
    entry.submit(TALK, ANN, order(id=2), 1.0)
    entry.take_batch()
    assert entry.expire(4.9) == []
    ((_, reply),) = entry.expire(5.0)
    assert (reply.id, reply.code) == (1, Code.OUTCOME_UNKNOWN)
    assert entry.in_flight == 1


def test_too_much_in_flight_is_busy_at_once() -> None:
    entry = OrderEntry("g", 1, 5.0)
    entry.submit(TALK, ANN, order(), 0.0)
    with pytest.raises(InvalidRequest) as refusal:
        entry.submit(TALK, ANN, order(), 0.0)
    assert refusal.value.code is Code.BUSY


def test_a_log_that_cannot_be_written_is_busy_at_once() -> None:
    entry = OrderEntry("g", 10, 5.0)
    entry.log_is_writable = False
    with pytest.raises(InvalidRequest) as refusal:
        entry.submit(TALK, ANN, order(), 0.0)
    assert refusal.value.code is Code.BUSY
    assert not entry.has_queued


def test_what_is_certainly_not_in_the_log_is_answered_busy() -> None:
    """Before, it was outcome_unknown: a client had to ask for what the gateway knew."""
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, order(id="sent"), 0.0)
    batch = entry.take_batch()
    entry.submit(TALK, ANN, order(id="queued"), 0.1)
    entry.withdraw(batch)
    assert [(reply.id, reply.code) for _, reply in entry.expire(0.2)] == [("sent", Code.BUSY), ("queued", Code.BUSY)]
    assert not entry.has_queued, "what was told to be out must not come in"
    assert (entry.in_flight, entry.expire(9.0)) == (0, [])


def test_what_was_never_handed_over_in_time_is_busy_and_what_was_is_unknown() -> None:
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, order(id="sent"), 0.0)
    entry.take_batch()
    entry.submit(TALK, ANN, order(id="queued"), 0.0)
    entry.say_present(["ann"])
    entry.submit(TALK, ANN, order(id="later"), 1.0)
    codes = {reply.id: reply.code for _, reply in entry.expire(5.0)}
    assert codes == {"sent": Code.OUTCOME_UNKNOWN, "queued": Code.BUSY}
    assert [command.number for command in entry.take_batch()] == [3, 4]


def test_an_outcome_of_what_was_withdrawn_answers_nobody_twice() -> None:
    entry = OrderEntry("g", 10, 5.0)
    entry.submit(TALK, ANN, order(), 0.0)
    entry.withdraw(entry.take_batch())
    assert entry.answer([Outcome("g", 1, Code.OK, "", 42, 0)]) == []
    assert len(entry.expire(0.0)) == 1
