"""Orders of users who stay away, as the engine sees it: marks of presence and ticks of the log, and nothing else."""

from __future__ import annotations

from openoutcry.wire.types import Code, ExecutionEvent, Side
from services.matching import engine as engine_module
from services.matching.floor import OPEN_ORDERS_MAX
from services.matching.packet_builder import PacketBuilder, take_changes
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from services.matching.recovery.snapshot_schedule import SnapshotSchedule
from shared.logs.commands import CancelOrder, Present, SetCancelOnDisconnect, Tick
from shared.logs.events import CancelOnDisconnectSet, Event
from shared.logs.packet import FEED_START
from tests.unit.services.matching.flow import Desk, code, executions, outcome

BID, ASK = Side.BID, Side.ASK
GRACE_S = 3
GRACE = GRACE_S + engine_module.SIGN_AGE_TICKS
"""Ticks that an order outlives the last sign of its user."""


def desk_with(*users: str) -> Desk:
    """A market in which these users have cancel-on-disconnect on, and an order each."""
    desk = Desk(cancel_grace_s=GRACE_S)
    for price, user in enumerate(users, 100):
        desk.does(SetCancelOnDisconnect, user, True)
        desk.place(user, BID, price, 5)
    return desk


def ticks(desk: Desk, count: int) -> list[Event]:
    """Let time pass; everything that happened."""
    return [event for _ in range(count) for event in desk.does(Tick)]


def resting(desk: Desk, user: str) -> int:
    return len(desk.engine.accounts[user].orders)


def test_orders_are_cancelled_after_the_grace_with_a_reason() -> None:
    """The user who returns must read why the orders are gone."""
    desk = desk_with("ann")
    assert executions(ticks(desk, GRACE), "ann") == []
    events = desk.does(Tick)
    [cancelled] = executions(events, "ann")
    assert (cancelled.event, cancelled.reason, cancelled.remaining) == (
        ExecutionEvent.CANCELLED,
        Code.DISCONNECTED,
        0,
    )
    assert (code(events), outcome(events).cancelled, resting(desk, "ann")) == (Code.OK, 1, 0)
    desk.engine.check_invariants()


def test_presence_keeps_orders_for_as_long_as_it_is_said() -> None:
    desk = desk_with("ann", "bob")
    for _ in range(5 * GRACE):
        desk.does(Tick)
        desk.does(Present, ("ann", "nobody"))
    assert (resting(desk, "ann"), resting(desk, "bob")) == (1, 0)
    assert "nobody" not in desk.engine.accounts


def test_presence_at_any_gateway_counts() -> None:
    """Changing replica is no absence, and neither is one of two connections lost."""
    desk = desk_with("ann")
    for number in range(4):
        ticks(desk, GRACE)
        desk.does(Present, ("ann",), source=f"gateway-{number % 2}")
    assert resting(desk, "ann") == 1


def test_who_has_it_off_keeps_orders_for_ever() -> None:
    desk = desk_with("ann")
    desk.does(SetCancelOnDisconnect, "ann", False)
    desk.place("bob", ASK, 200, 1)
    ticks(desk, 9 * GRACE)
    assert (resting(desk, "ann"), resting(desk, "bob")) == (1, 1)


def test_time_stands_still_without_ticks() -> None:
    """While no engine leads or the store is away there are none: an outage must not cancel anybody's orders."""
    desk = desk_with("ann")
    desk.time += 3600 * 1_000_000
    desk.place("bob", ASK, 200, 1)
    assert resting(desk, "ann") == 1


def test_trades_before_it_stay() -> None:
    desk = desk_with("ann")
    desk.place("bob", ASK, 100, 2)
    ticks(desk, GRACE + 1)
    assert (resting(desk, "ann"), desk.engine.accounts["ann"].positions) == (0, {"ACME": 2})


def test_it_stays_on_through_an_absence() -> None:
    """Who returns is protected as before, without asking again."""
    desk = desk_with("ann")
    ticks(desk, 3 * GRACE)
    desk.does(Present, ("ann",))
    desk.place("ann", BID, 90, 1)
    ticks(desk, GRACE)
    assert resting(desk, "ann") == 1
    ticks(desk, 1)
    assert resting(desk, "ann") == 0


def test_an_order_is_a_sign_of_life() -> None:
    """A returning user's first order can come before a gateway has said that the user is back."""
    desk = desk_with("ann")
    ticks(desk, 3 * GRACE)
    desk.place("ann", BID, 90, 1)
    ticks(desk, GRACE)
    assert resting(desk, "ann") == 1
    ticks(desk, 1)
    assert resting(desk, "ann") == 0


def test_asking_for_it_begins_a_grace() -> None:
    """Also of a user of whom no gateway has said anything yet."""
    desk = Desk(cancel_grace_s=GRACE_S)
    desk.place("ann", BID, 90, 1)
    ticks(desk, 9 * GRACE)
    desk.does(SetCancelOnDisconnect, "ann", True)
    ticks(desk, GRACE)
    assert resting(desk, "ann") == 1
    ticks(desk, 1)
    assert resting(desk, "ann") == 0


def test_a_change_is_told_once() -> None:
    """Gateways learn from it for whom it is on; a client that asks again after each reconnection makes no noise."""
    desk = Desk()
    assert desk.does(SetCancelOnDisconnect, "ann", True)[:-1] == [CancelOnDisconnectSet("ann", on=True)]
    again = desk.does(SetCancelOnDisconnect, "ann", True)
    assert (again[:-1], code(again)) == ([], Code.OK)
    assert desk.engine.accounts["ann"].message().cancel_on_disconnect
    assert desk.does(SetCancelOnDisconnect, "ann", False)[:-1] == [CancelOnDisconnectSet("ann", on=False)]
    assert not desk.engine.accounts["ann"].message().cancel_on_disconnect


def test_one_tick_cancels_a_bounded_number_and_the_next_goes_on() -> None:
    """When a whole office loses its line the market of all others must not stand still."""
    users = [f"u{number}" for number in range(6)]
    desk = desk_with(*users)
    for user in users * (OPEN_ORDERS_MAX - 1):
        desk.place(user, BID, 100, 5)
    ticks(desk, GRACE)
    assert engine_module.CANCELS_PER_TICK_MAX == OPEN_ORDERS_MAX
    assert [outcome(desk.does(Tick)).cancelled for _ in range(7)] == [engine_module.CANCELS_PER_TICK_MAX] * 6 + [0]


def test_what_one_gateway_says_makes_nobody_elses_users_absent() -> None:
    """Each names its own users only: whoever is not among them is with another gateway, or away."""
    desk = desk_with("ann", "bob")
    for _ in range(3 * GRACE):
        desk.does(Tick)
        desk.does(Present, ("ann",), source="gateway-1")
        desk.does(Present, ("bob",), source="gateway-2")
    assert (resting(desk, "ann"), resting(desk, "bob")) == (1, 1)
    for _ in range(GRACE):
        desk.does(Tick)
        desk.does(Present, ("ann",), source="gateway-1")
    assert (resting(desk, "ann"), resting(desk, "bob")) == (1, 1)
    desk.does(Tick)
    assert (resting(desk, "ann"), resting(desk, "bob")) == (1, 0)


def test_a_user_without_orders_costs_nothing_and_is_no_error() -> None:
    desk = desk_with("ann")
    desk.does(CancelOrder, "ann", 1, "")
    assert [outcome(event).cancelled for event in ([last] for last in ticks(desk, 9))] == [0] * 9


def test_a_checkpoint_keeps_how_long_users_have_been_away() -> None:
    """A recovered engine cancels at the very tick at which the dead one would have."""
    desk = desk_with("ann", "bob")
    ticks(desk, 2)
    desk.does(Present, ("ann",))
    take_changes(desk.engine)
    recovered = decode_checkpoint(encode_checkpoint(Checkpoint(desk.engine, 1, "store"))).engine
    assert recovered.config.cancel_grace_s == GRACE_S
    for _ in range(5):
        desk.number += 1
        tick = Tick("gateway", desk.number)
        assert recovered.apply(tick, desk.time) == desk.engine.apply(tick, desk.time)
    assert (len(recovered.accounts["ann"].orders), len(recovered.accounts["bob"].orders)) == (0, 0)


def test_accounts_are_stored_anew_after_a_change() -> None:
    """A gateway that loads them must know for whom it is on, or it would not say that they are there."""
    desk = Desk()
    builder = PacketBuilder(desk.engine)
    builder.apply(SetCancelOnDisconnect("g", 1, "ann", True), 0)
    packet = builder.take()
    assert packet is not None
    assert packet.switches == [CancelOnDisconnectSet("ann", on=True)]
    schedule = SnapshotSchedule(1.0, 5.0)
    schedule.take_due(FEED_START, [], 0.0)
    schedule.observe(packet, FEED_START)
    assert schedule.take_due(FEED_START._replace(position=2), [], 1.0).cover == FEED_START
