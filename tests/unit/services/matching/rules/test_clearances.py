"""Clearances: lots of one user, instrument and side until a moment, reserved by orders and used up by fills."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.types import Code, OrderKind, ProposalState, SelfTradePrevention, Side, TimeInForce
from shared.logs.commands import PlaceSpecial, Propose, ProposedAction, ReadMarket
from shared.logs.events import AdministrativeAct, Event, MarketShown
from shared.logs.rule_commands import SetClearance
from tests.unit.services.matching.flow import Desk, code, executions, outcome
from tests.unit.services.matching.rules.ruled_floor import RuledFloor, at, ends

FIVE = at("2026-11-27T17:00:00")


@pytest.fixture
def floor() -> RuledFloor:
    """Finance needs clearances for ACME, and ann has C-17: sell 100 lots until Friday 17:00."""
    floor = RuledFloor()
    floor.rule("board", "clearance", ("finance",), ("ACME",))
    assert code(floor.clear("C-17", "ann", Side.ASK, 100, ends=FIVE)) is Code.OK
    return floor


def named(
    floor: Desk, clearance: str, lots: int, user: str = "ann", side: Side = Side.ASK, price: int = 100, **fields: Any
) -> list[Event]:
    given: dict[str, Any] = {"instrument": "ACME", "trigger": 0, **fields}
    return floor.does(
        PlaceSpecial,
        user,
        given["instrument"],
        f"n{floor.number + 1}",
        side,
        OrderKind.LIMIT,
        price,
        lots,
        TimeInForce.GTC,
        False,
        SelfTradePrevention.CANCEL_NEWEST,
        given["trigger"],
        0,
        0,
        "",
        0,
        clearance,
    )


def said(events: list[Event]) -> str:
    return f"{code(events)} {outcome(events).text}"


def test_without_a_clearance_nothing_and_with_one_so_many_lots(floor: RuledFloor) -> None:
    assert floor.refused("ann", Side.ASK) == "clearance_required clearance: trades of ACME need one (rule board)"
    assert code(named(floor, "C-17", 60)) is Code.OK
    text = "clearance_invalid clearance: C-17 allows 100 lots to sell, 40 are left, not 60"
    assert said(named(floor, "C-17", 60)) == text
    assert floor.bid("bob", 100, 60).code is Code.OK
    assert said(named(floor, "C-17", 60)) == text
    rest = outcome(named(floor, "C-17", 40)).order_id
    assert said(named(floor, "C-17", 1)).endswith("0 are left, not 1")
    floor.cancel("ann", rest)
    assert code(named(floor, "C-17", 40)) is Code.OK


def test_case_10_at_its_end_its_orders_end_and_nothing_trades(floor: RuledFloor) -> None:
    floor.time = FIVE - 1
    order = outcome(named(floor, "C-17", 40)).order_id
    floor.reopened()
    floor.time = FIVE
    hit = floor.place("bob", Side.BID, 100, 40)
    [ended] = executions(hit, "ann")
    assert (ended.order_id, ended.event, ended.reason, ended.time) == (order, "cancelled", "clearance_expired", FIVE)
    assert [each.event for each in executions(hit, "bob")] == ["accepted"]
    assert said(named(floor, "C-17", 1)) == (
        "clearance_invalid clearance: you have none of the name C-17, or it has ended"
    )


def test_a_replacement_by_more_needs_lots_that_are_left(floor: RuledFloor) -> None:
    order = outcome(named(floor, "C-17", 60)).order_id
    named(floor, "C-17", 30)
    assert floor.bid("bob", 100, 20).code is Code.OK
    assert floor.replace("ann", order, None, 71).text == (
        "clearance: C-17 allows 100 lots to sell, 50 are left, not 51"
    )
    assert floor.replace("ann", order, None, 70).code is Code.OK
    assert floor.replace("ann", order, 101, 25).code is Code.OK
    assert code(named(floor, "C-17", 45)) is Code.OK


def test_revoking_ends_its_orders_and_one_person_is_enough(floor: RuledFloor) -> None:
    order, other = outcome(named(floor, "C-17", 60)).order_id, floor.ask("bob", 100, 5).order_id
    revoke = ProposedAction("set_clearance", SetClearance("", 0, "", "C-17", "", "", Side.BID, 0, 0, 0))
    revoked = floor.does(Propose, "adam", "p1", (revoke,))
    assert ends(revoked, "ann") == [(order, "clearance_expired")]
    assert list(floor.account("bob").orders) == [other]
    give = revoke._replace(command=SetClearance("", 0, "", "C-18", "ann", "ACME", Side.ASK, 5, 0, FIVE))
    proposed = floor.does(Propose, "adam", "p2", (give,))
    [act] = [event for event in proposed if isinstance(event, AdministrativeAct)]
    assert act.state is ProposalState.PROPOSED


def test_what_it_names_is_what_it_allows(floor: RuledFloor) -> None:
    assert said(named(floor, "C-17", 1, side=Side.BID, price=90)).endswith("C-17 is to sell ACME, not to buy ACME")
    assert said(named(floor, "C-17", 1, instrument="OTHER")).endswith("C-17 is to sell ACME, not to sell OTHER")
    assert said(named(floor, "C-17", 1, user="cat")).endswith("you have none of the name C-17, or it has ended")
    assert said(named(floor, "C-99", 1, user="bob")).endswith("you have none of the name C-99, or it has ended")
    floor.clear("C-20", "ann", Side.ASK, 5, begins=FIVE, ends=FIVE + 1)
    assert said(named(floor, "C-20", 1)).endswith("C-20 holds from 2026-11-27T17:00:00Z on")


def test_a_blackout_goes_before_it(floor: RuledFloor) -> None:
    order = outcome(named(floor, "C-17", 60)).order_id
    began = floor.rule("Q4", "blackout", ("finance",))
    assert ends(began, "ann") == [(order, "blackout")]
    assert said(named(floor, "C-17", 1)).startswith("blackout instrument: ACME is closed to the group finance")


def test_when_the_rule_begins_orders_without_one_end(floor: RuledFloor) -> None:
    floor.rule("board", "")
    bare, named_one = floor.ask("ann", 100, 5).order_id, outcome(named(floor, "C-17", 60)).order_id
    began = floor.rule("board", "clearance", ("finance",), ("ACME",))
    assert ends(began, "ann") == [(bare, "clearance_required")]
    assert list(floor.account("ann").orders) == [named_one]


def test_a_stop_reserves_too_and_ends_with_it(floor: RuledFloor) -> None:
    floor.ask("bob", 100, 1)
    floor.bid("dan", 100, 1)
    order = outcome(named(floor, "C-17", 60, price=90, trigger=95)).order_id
    assert said(named(floor, "C-17", 41)).endswith("40 are left, not 41")
    floor.time = FIVE
    assert ends(floor.tick(), "ann") == [(order, "clearance_expired")]


def test_the_same_again_changes_nothing_and_another_is_refused(floor: RuledFloor) -> None:
    named(floor, "C-17", 60)
    floor.bid("bob", 100, 60)
    assert code(floor.clear("C-17", "ann", Side.ASK, 100, ends=FIVE)) is Code.OK
    assert said(named(floor, "C-17", 41)).endswith("40 are left, not 41")
    other = floor.clear("C-17", "ann", Side.ASK, 200, ends=FIVE)
    assert said(other) == "bad_request clearance_id: C-17 was given before; a clearance never changes"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"clearance_id": "a b"}, "clearance_id: is 1 to 36 letters, digits and . _ : -"),
        ({"user": "~bank"}, "user: '~bank' cannot be a user's name"),
        ({"instrument": "NONE"}, "instrument: there is no NONE"),
        ({"lots": -1}, "lots: are from 1 to 2147483647, or 0 to end a clearance, not -1"),
        ({"until_us": 0}, "until_us: a clearance has an end"),
        ({"until_us": 5}, "until_us: is over already"),
        ({"from_us": FIVE}, "until_us: is not after from_us"),
    ],
)
def test_what_it_may_hold(floor: RuledFloor, fields: dict[str, Any], text: str) -> None:
    command = SetClearance("", 0, "root", "C-1", "ann", "ACME", Side.ASK, 5, 0, FIVE)._replace(**fields)
    assert said(floor.does(SetClearance, *command[2:])) == f"bad_request {text}"


def test_it_is_shown(floor: RuledFloor) -> None:
    named(floor, "C-17", 60)
    floor.bid("bob", 100, 25)
    floor.reopened()
    shown = floor.does(ReadMarket, "audit", 0)
    rows = [row for event in shown if isinstance(event, MarketShown) for row in event.rows if row[0] == "clearance"]
    assert rows == [("clearance", "C-17", "ann", "ACME", "ask", 100, 0, FIVE, 25)]


def test_a_market_without_accounts_has_none() -> None:
    desk = Desk()
    refused = named(desk, "C-17", 5)
    assert said(refused) == "clearance_invalid clearance: you have none of the name C-17"
