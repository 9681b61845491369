"""What is asked again of orders that stand already: at a stop's trigger, at a replacement, when a calendar changes."""

from __future__ import annotations

from openoutcry.wire.types import Code, Side, TimeInForce
from shared.logs.session_commands import SetSchedule
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import code, executions
from tests.unit.services.matching.sessions.exchange_day import ExchangeDay, happened

# At the trigger.


def stopped(**terms: int) -> Floor:
    """The last price is 100; bob's stop is a bid with the trigger 101 and the limit 110, ann offers 10 at 101."""
    floor = Floor()
    for user in ("ann", "bob", "cat"):
        floor.deposit(user, 1_000_000)
        floor.grant(user, 10_000)
    floor.terms(100, terms.get("collar_bp", 0))
    floor.bid("cat", 100, 1)
    floor.ask("ann", 100, 1)
    return floor


def triggers(floor: Floor) -> list[tuple[str, int, str]]:
    """Have somebody trade at 101; returns what happened to bob's stop."""
    floor.ask("ann", 101, 1)
    return happened(floor.place("cat", Side.BID, 101, 1), "bob")


def test_a_stop_whose_quantity_is_over_a_limit_of_today_ends_at_its_trigger() -> None:
    floor = stopped()
    floor.special("bob", Side.BID, 110, 20, trigger=101)
    floor.limit("bob", order_quantity_max=10)
    assert triggers(floor) == [("triggered", 20, ""), ("cancelled", 0, "quantity_out_of_range")]
    assert not floor.account("bob").orders
    assert floor.cash("bob")[1] == 0
    floor.engine.check_invariants()


def test_a_stop_whose_limit_is_outside_the_collar_ends_at_its_trigger() -> None:
    floor = stopped(collar_bp=1_000)
    floor.special("bob", Side.BID, 110, 5, trigger=101)
    floor.terms(100, 500)
    assert triggers(floor) == [("triggered", 5, ""), ("cancelled", 0, "collar")]


def test_a_stop_within_its_limits_is_placed_and_counts_as_no_message() -> None:
    floor = stopped(collar_bp=1_000)
    floor.special("bob", Side.BID, 110, 5, trigger=101)
    floor.limit("bob", messages_per_second=1)
    floor.bid("bob", 95, 1)
    assert triggers(floor) == [("triggered", 5, "")]
    assert len(floor.account("bob").orders) == 2


# A replacement by less.


def test_a_replacement_that_only_lowers_the_quantity_is_refused_by_no_limit() -> None:
    floor = stopped()
    order_id = floor.bid("bob", 50, 90).order_id
    strict = {"order_quantity_max": 10, "order_value_max": 1, "position_max": 1, "open_orders_max": 1, "collar_bp": 100}
    floor.limit("bob", messages_per_second=1, **strict)
    for quantity in (80, 60, 40):
        replaced = floor.replace("bob", order_id, None, quantity)
        assert replaced.code is Code.OK, replaced
    assert floor.replace("bob", order_id, 50, 30).code is Code.OK
    assert floor.replace("bob", order_id, None, 35).code is Code.QUANTITY_OUT_OF_RANGE
    assert floor.replace("bob", order_id, 49, 30).code is Code.QUANTITY_OUT_OF_RANGE
    assert floor.account("bob").orders[order_id].remaining == 30


# A calendar that is taken away.


def test_orders_for_the_day_end_when_their_instrument_follows_no_calendar_any_more() -> None:
    day = ExchangeDay(reference=100)
    day.at(130)
    ends = {"time_in_force": TimeInForce.DAY}, {"time_in_force": TimeInForce.GTD, "expires_on": "1970-01-03"}
    for rules in ends:
        assert code(day.special("ann", Side.BID, 90, 1, **rules)) is Code.OK
    day.bids("bob", 90, 1)
    day.sets(calendar="", reference=100)
    assert not day.account("ann").orders
    assert len(day.account("bob").orders) == 1
    assert len(day.engine.expiries) == 0
    assert [each.event for each in executions(day.at(131), "ann")] == []


def test_they_stay_when_the_calendar_stays() -> None:
    day = ExchangeDay(reference=100)
    day.at(130)
    day.special("ann", Side.BID, 90, 1, time_in_force=TimeInForce.DAY)
    day.sets(calendar="berlin", reference=100, reopening_s=3)
    assert len(day.account("ann").orders) == 1


# A schedule that arrives late.


def test_a_schedule_that_arrives_late_ends_what_should_have_ended_before_its_day() -> None:
    """The day of the first order was left out of the plan, and nothing closed on it."""
    day = ExchangeDay(reference=100)
    day.at(130)
    day.special("ann", Side.BID, 90, 1, time_in_force=TimeInForce.GTD, expires_on="1970-01-02")
    day.special("ann", Side.BID, 91, 1, time_in_force=TimeInForce.GTD, expires_on="1970-01-03")
    order = len(day.account("ann").orders)
    assert order == 2
    steps = day.planned(((131, "continuous"), (600, "close")), "1970-01-03")
    day.time += 60_000_000
    events = day.does(SetSchedule, "root", "berlin", "2026.3", steps)
    assert happened(events, "ann") == [("expired", 0, "expired")]
    assert [each.price for each in day.account("ann").orders.values()] == [91]
