"""The kill switch: at once, whole, idempotent, and lifted by nobody alone."""

from __future__ import annotations

import pytest

from openoutcry.wire.types import Code, MarketState, ProposalState, Side
from shared.logs.commands import Confirm, Propose, ProposedAction, ReadMarket, SetMarketState
from shared.logs.events import AdministrativeAct, MarketShown
from shared.logs.market_commands import SetGroups
from shared.logs.rule_commands import SetKill
from tests.unit.services.matching.flow import Desk, code, outcome
from tests.unit.services.matching.rules.ruled_floor import RuledFloor, at, ends

SINCE = "is stopped since 2026-11-20T10:31:02Z"


@pytest.fixture
def floor() -> RuledFloor:
    floor = RuledFloor()
    floor.time = at("2026-11-20T10:31:02")
    return floor


def test_orders_end_and_new_ones_are_refused_until_it_is_lifted(floor: RuledFloor) -> None:
    mine, others = floor.bid("ann", 90, 5).order_id, floor.bid("bob", 90, 5).order_id
    killed = floor.kill("user", "ann")
    assert outcome(killed).cancelled == 1
    assert ends(killed, "ann") == [(mine, "killed")]
    assert ends(killed, "bob") == []
    assert floor.refused("ann") == f"killed user: trading of ann {SINCE}"
    assert floor.refused("ann", Side.ASK, 110) == f"killed user: trading of ann {SINCE}"
    assert code(floor.place("ann", Side.ASK, 110, 1, instrument="OTHER")) is Code.KILLED
    assert floor.replace("bob", others, 91, None).code is Code.OK
    floor.kill("user", "ann", on=False)
    assert floor.bid("ann", 90, 5).code is Code.OK


def test_again_it_changes_nothing_and_keeps_its_time(floor: RuledFloor) -> None:
    floor.kill("user", "ann")
    floor.time += 1_000_000
    again = floor.kill("user", "ann")
    assert [type(event).__name__ for event in again] == ["Outcome"]
    assert floor.refused("ann") == f"killed user: trading of ann {SINCE}"
    floor.kill("user", "bob", on=False)


@pytest.mark.parametrize(
    ("scope", "name", "text", "stopped"),
    [
        ("group", "finance", "group: trading of finance", ["ann", "cat"]),
        ("instrument", "ACME", "instrument: trading of ACME", ["ann", "bob", "cat", "dan"]),
        ("market", "", "market: trading", ["ann", "bob", "cat", "dan"]),
    ],
)
def test_every_scope_says_what_is_stopped(
    floor: RuledFloor, scope: str, name: str, text: str, stopped: list[str]
) -> None:
    orders = {user: floor.bid(user, 90, 1).order_id for user in ("ann", "bob", "cat", "dan")}
    other = floor.bid("ann", 90, 1, instrument="OTHER").order_id
    killed = floor.kill(scope, name)
    found = {user: ends(killed, user) for user in orders}
    expected = {user: [(orders[user], "killed")] if user in stopped else [] for user in orders}
    if scope != "instrument":
        expected["ann"].append((other, "killed"))
    assert found == expected
    assert floor.refused(stopped[0]) == f"killed {text} {SINCE}"
    floor.engine.check_invariants()


def test_whoever_joins_a_stopped_group_is_stopped_too(floor: RuledFloor) -> None:
    order = floor.bid("bob", 90, 1).order_id
    floor.kill("group", "finance")
    joined = floor.does(SetGroups, "root", "bob", ("staff", "finance"))
    assert ends(joined, "bob") == [(order, "killed")]
    assert outcome(joined).cancelled == 1
    assert floor.refused("bob").startswith("killed group: trading of finance")


def test_cancels_are_free_and_a_kill_comes_before_a_halt(floor: RuledFloor) -> None:
    order = floor.bid("bob", 90, 1).order_id
    floor.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    floor.kill("user", "ann")
    assert floor.refused("ann").startswith("killed user")
    assert floor.refused("bob").startswith("not_open")
    assert floor.cancel("bob", order).code is Code.OK


def test_a_market_without_accounts_has_the_switch_too() -> None:
    desk = Desk()
    desk.place("ann", Side.BID, 90, 5)
    killed = desk.does(SetKill, "root", "user", "ann", True, "")
    assert [order_id for order_id, _ in ends(killed, "ann")] == [1]
    assert code(desk.place("ann", Side.BID, 90, 5)) is Code.KILLED
    assert code(desk.place("bob", Side.BID, 90, 5)) is Code.OK
    refused = desk.does(SetKill, "root", "group", "staff", True, "")
    assert outcome(refused).text == "accounts: this market keeps none; begin them before anything else"


@pytest.mark.parametrize(
    ("scope", "name", "reason", "text"),
    [
        ("everything", "", "", "scope: must be one of user, group, instrument, market, not everything"),
        ("user", "~bank", "", "name: '~bank' cannot be a user's name"),
        ("group", "a b", "", "name: of a group is 1 to 32 letters, digits and . _ -, not 'a b'"),
        ("instrument", "NONE", "", "name: there is no instrument NONE"),
        ("market", "all", "", "name: the market has none, not 'all'"),
        ("market", "", "\x00", "reason: is at most 200 characters, none of them a control character"),
    ],
)
def test_what_it_may_hold(floor: RuledFloor, scope: str, name: str, reason: str, text: str) -> None:
    assert outcome(floor.does(SetKill, "root", scope, name, True, reason))[2:4] == (Code.BAD_REQUEST, text)


def test_one_stops_and_two_lift(floor: RuledFloor) -> None:
    def action(*, on: bool) -> ProposedAction:
        return ProposedAction("set_kill", SetKill("", 0, "", "user", "ann", on, "leaver"))

    order = floor.bid("ann", 90, 1).order_id
    stopped = floor.does(Propose, "adam", "k1", (action(on=True),))
    assert ends(stopped, "ann") == [(order, "killed")]
    waiting = floor.does(Propose, "adam", "k2", (action(on=False),))
    [act] = [event for event in waiting if isinstance(event, AdministrativeAct)]
    assert act.state is ProposalState.PROPOSED
    assert floor.refused("ann").startswith("killed")
    assert code(floor.does(Confirm, "adam", "k2")) is Code.FOUR_EYES
    assert code(floor.does(Confirm, "eve", "k2")) is Code.OK
    assert floor.bid("ann", 90, 1).code is Code.OK


def test_it_is_shown_and_survives_a_checkpoint(floor: RuledFloor) -> None:
    floor.kill("user", "ann")
    floor.kill("market")
    floor.reopened()
    shown = floor.does(ReadMarket, "audit", 0)
    rows = [row for event in shown if isinstance(event, MarketShown) for row in event.rows if row[0] == "kill"]
    since = at("2026-11-20T10:31:02")
    assert rows == [("kill", "user", "ann", since, "rumour"), ("kill", "market", "", since, "rumour")]
    floor.kill("user", "ann", on=False)
    assert floor.refused("ann") == f"killed market: trading {SINCE}"


def test_orders_of_a_whole_market_end_in_parts_and_none_of_them_trades() -> None:
    floor = RuledFloor(open_orders_max=3_000)
    for user in ("ann", "bob"):
        for _ in range(2_600):
            assert floor.bid(user, 90, 1).code is Code.OK
    killed = floor.kill("market")
    assert outcome(killed).cancelled == 5_000
    assert len(floor.engine.accounts["bob"].orders) == 200
    floor.kill("market", on=False)  # and with this command the rest ends first
    assert floor.ask("dan", 90, 1).code is Code.OK
    assert not floor.engine.accounts["bob"].orders
    assert floor.account("dan").orders
