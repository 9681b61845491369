"""Blackouts, windows, lists of restricted instruments: the fill is forbidden, not the entry alone."""

from __future__ import annotations

import pytest

from openoutcry.wire.types import Code, OrderKind, ProposalState, Side, TimeInForce
from shared.logs.commands import Confirm, Propose, ProposedAction, ReadMarket
from shared.logs.events import AdministrativeAct, MarketShown
from shared.logs.market_commands import SetGroups, SetTerms
from shared.logs.rule_commands import RuleKind, RuleParameters, SetKill, SetRule
from tests.unit.services.matching.flow import Desk, code, executions, outcome
from tests.unit.services.matching.rules.ruled_floor import DAY_US, RuledFloor, at, ends

TEN = at("2026-11-20T10:00:00")
END = at("2026-11-25T00:00:00")
BLACKOUT = "blackout instrument: ACME is closed to the group finance until 2026-11-25T00:00:00Z (rule Q4-results)"
ASK_COMPLIANCE = "restricted instrument: ACME cannot be traded by you at present; ask compliance"


@pytest.fixture
def floor() -> RuledFloor:
    return RuledFloor()


def test_case_5_a_blackout_begins_before_the_next_command(floor: RuledFloor) -> None:
    """It begins 10:00:00.000; the next command comes at 10:00:00.700 and would hit a resting order of finance."""
    resting = floor.ask("ann", 100, 5).order_id
    floor.rule("Q4-results", "blackout", ("finance",), ("ACME",), TEN, END)
    floor.time = at("2026-11-20T10:00:00.7")
    hit = floor.place("bob", Side.BID, 100, 5)
    [ended] = executions(hit, "ann")
    assert (ended.order_id, ended.event, ended.reason, ended.time) == (resting, "cancelled", "blackout", TEN)
    assert [each.event for each in executions(hit, "bob")] == ["accepted"]
    assert floor.refused("ann", Side.ASK, 100) == BLACKOUT
    assert floor.refused("cat") == BLACKOUT
    assert floor.bid("dan", 90, 1).code is Code.OK
    assert code(floor.place("ann", Side.BID, 90, 1, instrument="OTHER")) is Code.OK


def test_until_just_before_its_begin_an_order_trades(floor: RuledFloor) -> None:
    floor.ask("ann", 100, 5)
    floor.rule("Q4-results", "blackout", ("finance",), ("ACME",), TEN, END)
    floor.time = TEN - 1
    assert [each.event for each in executions(floor.place("bob", Side.BID, 100, 5), "bob")] == ["accepted", "filled"]


def test_it_ends_at_its_end(floor: RuledFloor) -> None:
    floor.rule("Q4-results", "blackout", ("finance",), ("ACME",), 0, END)
    floor.time = END - 1
    assert floor.refused("ann") == BLACKOUT
    floor.time = END
    assert floor.bid("ann", 90, 1).code is Code.OK


def test_a_rule_that_holds_at_once_ends_orders_with_its_command(floor: RuledFloor) -> None:
    orders = {user: floor.bid(user, 90, 1).order_id for user in ("ann", "bob", "cat")}
    kept = floor.bid("ann", 90, 1, instrument="OTHER").order_id
    began = floor.rule("Q4", "blackout", ("finance", "board"), ("ACME",))
    assert outcome(began).cancelled == 2
    assert {user: ends(began, user) for user in orders} == {
        "ann": [(orders["ann"], "blackout")],
        "bob": [],
        "cat": [(orders["cat"], "blackout")],
    }
    assert list(floor.account("ann").orders) == [kept]
    assert floor.refused("cat") == "blackout instrument: ACME is closed to the group board (rule Q4)"
    again = floor.rule("Q4", "blackout", ("finance", "board"), ("ACME",))
    assert [type(event).__name__ for event in again] == ["Outcome"]


def test_without_groups_and_instruments_it_is_everybodys_and_of_all(floor: RuledFloor) -> None:
    orders = [floor.bid("dan", 90, 1, instrument=symbol).order_id for symbol in ("ACME", "OTHER")]
    began = floor.rule("all", "restricted", (), (), 0, END)
    assert ends(began, "dan") == [(order_id, "restricted") for order_id in orders]
    text = "restricted instrument: OTHER is restricted for everybody until 2026-11-25T00:00:00Z (rule all)"
    assert floor.refused("dan", instrument="OTHER") == text
    assert [(each.instrument, each.rule_id) for each in floor.blamed] == [("OTHER", "all")]


@pytest.mark.parametrize("kind", ["blackout", "restricted", "window", "clearance"])
def test_a_discreet_rule_says_neither_its_name_nor_its_end(floor: RuledFloor, kind: str) -> None:
    order = floor.bid("ann", 90, 1).order_id
    began = floor.rule(
        "merger", kind, ("finance",), ("ACME",), at("2027-01-01") if kind == "window" else 0, 0, discreet=True
    )
    assert ends(began, "ann") == [(order, "restricted")]
    assert floor.refused("ann") == ASK_COMPLIANCE
    assert [(each.instrument, each.rule_id) for each in floor.blamed] == [("ACME", "merger")]
    assert not [event for event in began if type(event).__name__ in ("Status", "Terms")]
    assert "merger" not in repr([event for event in began if type(event).__name__ != "Outcome"])


def test_a_window_is_open_between_its_moments_only(floor: RuledFloor) -> None:
    order = floor.bid("ann", 90, 1).order_id
    first, second = at("2026-12-01T08:00:00"), at("2027-03-01T08:00:00")
    set_ = floor.rule("W1", "window", ("finance",), ("ACME",), first, first + DAY_US)
    assert ends(set_, "ann") == [(order, "window")]
    closed = "window instrument: ACME is open to the group finance in windows only, "
    assert floor.refused("ann") == f"{closed}the next from 2026-12-01T08:00:00Z on (rule W1)"
    floor.rule("W2", "window", ("finance",), ("ACME",), second, second + DAY_US)
    floor.time = first
    order = floor.bid("ann", 90, 1).order_id
    assert order
    floor.time = first + DAY_US
    assert ends(floor.tick(), "ann") == [(order, "window")]
    assert floor.refused("ann") == f"{closed}the next from 2027-03-01T08:00:00Z on (rule W2)"
    floor.time = second + DAY_US
    assert floor.refused("ann") == f"{closed}and none is announced (rule W1)"
    assert [each.rule_id for each in floor.blamed] == ["W1"]
    floor.rule("W1", "")
    floor.rule("W2", "")
    assert floor.bid("ann", 90, 1).code is Code.OK


def test_whoever_comes_under_a_rule_by_a_group_has_forbidden_orders_ended(floor: RuledFloor) -> None:
    floor.rule("Q4", "blackout", ("finance",), ("ACME",))
    order, kept = floor.bid("bob", 90, 1).order_id, floor.bid("bob", 90, 1, instrument="OTHER").order_id
    joined = floor.does(SetGroups, "root", "bob", ("finance", "staff"))
    assert (ends(joined, "bob"), outcome(joined).cancelled) == ([(order, "blackout")], 1)
    assert list(floor.account("bob").orders) == [kept]
    floor.join("bob", "staff")
    assert floor.bid("bob", 90, 1).code is Code.OK


def test_replaces_are_refused_too_and_a_market_order(floor: RuledFloor) -> None:
    order = floor.bid("ann", 90, 5).order_id
    floor.rule("list", "restricted", ("board",), ("ACME",))
    assert floor.replace("ann", order, 91, None).code is Code.OK
    assert floor.refused("cat", Side.ASK, 0, 5, kind=OrderKind.MARKET, time_in_force=TimeInForce.IOC).startswith(
        "restricted instrument: ACME is restricted for the group board (rule list)"
    )


def test_the_order_of_checks(floor: RuledFloor) -> None:
    """Killed, blackout, restricted, clearance, then limits and money."""
    floor.limit(order_quantity_max=5)
    floor.rule("c", "clearance", ("finance",), ("ACME",))
    assert floor.refused("ann", quantity=6) == "clearance_required clearance: trades of ACME need one (rule c)"
    floor.rule("r", "restricted", ("finance",), ("ACME",))
    assert floor.refused("ann", quantity=6).startswith("restricted")
    floor.rule("b", "blackout", ("finance",), ("ACME",))
    assert floor.refused("ann", quantity=6).startswith("blackout")
    floor.kill("user", "ann")
    assert floor.refused("ann", quantity=6).startswith("killed")
    assert floor.refused("bob", quantity=6).startswith("quantity_out_of_range")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"rule_id": "a b"}, "rule_id: is 1 to 32 letters, digits and . _ -"),
        ({"groups": ("a b",)}, "groups: each is 1 to 32 letters, digits and . _ -, not 'a b'"),
        ({"groups": tuple(f"g{n}" for n in range(65))}, "groups: a rule names at most 64, not 65"),
        ({"instruments": ("NONE",)}, "instruments: there is no NONE"),
        ({"from_us": -1}, "from_us: is a time in µs, or 0 for at once, not -1"),
        ({"until_us": 2**53}, f"until_us: is a time in µs, or 0 for until it is changed, not {2**53}"),
        ({"from_us": 5, "until_us": 5}, "until_us: is not after from_us"),
        ({"parameters": RuleParameters(days=1)}, "days: a blackout has none"),
        ({"parameters": RuleParameters(share_bp=1)}, "share_bp: a blackout has none"),
        ({"kind": RuleKind.SHORT_SWING}, "days: of a short_swing are 1 to 366, not 0"),
        ({"kind": RuleKind.SELL_SHARE}, "share_bp: is from 1 to 10000 basis points, not 0"),
        (
            {"kind": RuleKind.CLEARANCE, "parameters": RuleParameters(exercise=True)},
            "exercise: a clearance forbids none",
        ),
    ],
)
def test_what_a_rule_may_hold(floor: RuledFloor, fields: dict[str, object], text: str) -> None:
    command = SetRule("", 0, "root", "r", RuleKind.BLACKOUT, (), (), 0, 0, RuleParameters(), discreet=False)
    made = command._replace(**fields)
    assert outcome(floor.does(SetRule, *made[2:]))[2:4] == (Code.BAD_REQUEST, text)


def test_there_is_room_for_so_many_rules_only(floor: RuledFloor) -> None:
    for n in range(256):
        floor.rule(f"r{n}", "restricted", ("nobody",))
    one = SetRule("", 0, "", "one", RuleKind.RESTRICTED, ("x",), (), 0, 0, RuleParameters(), discreet=False)
    text = "rule_id: 256 rules are set, and there is no room for more; remove some that have ended"
    assert outcome(floor.does(SetRule, *one[2:])).text == text
    floor.rule("r7", "")
    proposed = floor.does(
        Propose, "adam", "p", (ProposedAction("set_rule", one), ProposedAction("set_rule", one._replace(rule_id="two")))
    )
    assert outcome(proposed).text == f"actions.1.set_rule: {text}"
    floor.rule("one", "restricted", ("x",))


def test_rules_need_accounts() -> None:
    desk = Desk()
    command = SetRule("", 0, "root", "r", RuleKind.BLACKOUT, (), (), 0, 0, RuleParameters(), discreet=False)
    assert outcome(desk.does(SetRule, *command[2:])).text.startswith("accounts: this market keeps none")


BEFORE = SetRule(
    "", 0, "", "Q4", RuleKind.BLACKOUT, ("finance",), ("ACME",), TEN, END, RuleParameters(), discreet=False
)


@pytest.mark.parametrize(
    ("fields", "persons"),
    [
        ({}, 1),
        ({"groups": ("board", "finance")}, 1),
        ({"groups": ()}, 1),
        ({"groups": ("board",)}, 2),
        ({"instruments": ("ACME", "OTHER")}, 1),
        ({"instruments": ()}, 1),
        ({"instruments": ("OTHER",)}, 2),
        ({"from_us": TEN - 1}, 1),
        ({"from_us": TEN + 1}, 2),
        ({"until_us": END + 1}, 1),
        ({"until_us": 0}, 1),
        ({"until_us": END - 1}, 2),
        ({"kind": RuleKind.RESTRICTED}, 2),
        ({"kind": RuleKind.NONE}, 2),
        ({"discreet": True}, 1),
        ({"parameters": RuleParameters(exercise=True)}, 1),
        ({"rule_id": "new", "kind": RuleKind.WINDOW}, 2),
        ({"rule_id": "new", "kind": RuleKind.SHORT_SWING, "parameters": RuleParameters(days=184)}, 1),
        ({"rule_id": "new", "kind": RuleKind.NONE}, 1),
    ],
)
def test_what_only_forbids_more_needs_one_person(floor: RuledFloor, fields: dict[str, object], persons: int) -> None:
    floor.does(SetRule, "root", *BEFORE[3:])
    proposed = floor.does(Propose, "adam", "p", (ProposedAction("set_rule", BEFORE._replace(**fields)),))
    [act] = [event for event in proposed if isinstance(event, AdministrativeAct)]
    assert act.state is (ProposalState.DONE if persons == 1 else ProposalState.PROPOSED)
    if persons == 2:
        assert code(floor.does(Confirm, "eve", "p")) is Code.OK


def test_a_rule_that_has_ended_may_be_removed_alone(floor: RuledFloor) -> None:
    floor.does(SetRule, "root", *BEFORE[3:])
    floor.time = END
    removal = BEFORE._replace(kind=RuleKind.NONE)
    proposed = floor.does(Propose, "adam", "p", (ProposedAction("set_rule", removal),))
    [act] = [event for event in proposed if isinstance(event, AdministrativeAct)]
    assert act.state is ProposalState.DONE


def test_the_same_rule_less_discreet_needs_two(floor: RuledFloor) -> None:
    floor.does(SetRule, "root", *BEFORE._replace(discreet=True)[3:])
    proposed = floor.does(Propose, "adam", "p", (ProposedAction("set_rule", BEFORE),))
    [act] = [event for event in proposed if isinstance(event, AdministrativeAct)]
    assert act.state is ProposalState.PROPOSED


def test_rules_and_their_moments_survive_a_checkpoint(floor: RuledFloor) -> None:
    order = floor.ask("ann", 100, 5).order_id
    floor.rule("Q4-results", "blackout", ("finance",), ("ACME",), TEN, END)
    floor.reopened()
    floor.time = TEN
    assert ends(floor.tick(), "ann") == [(order, "blackout")]
    floor.reopened()
    assert floor.refused("ann") == BLACKOUT
    floor.time = END
    assert floor.bid("ann", 90, 1).code is Code.OK
    shown = floor.does(ReadMarket, "audit", 0)
    rows = [row for event in shown if isinstance(event, MarketShown) for row in event.rows if row[0] == "rule"]
    assert rows == [("rule", "Q4-results", "blackout", ("finance",), ("ACME",), TEN, END, {}, False, False)]


def test_a_begin_that_is_moved_counts_as_moved(floor: RuledFloor) -> None:
    floor.rule("Q4-results", "blackout", ("finance",), ("ACME",), TEN, END)
    floor.rule("Q4-results", "blackout", ("finance",), ("ACME",), TEN + 60_000_000, END)
    floor.time = TEN
    assert floor.cancel("ann", floor.bid("ann", 90, 1).order_id).code is Code.OK
    floor.time = TEN + 60_000_000
    assert floor.refused("ann") == BLACKOUT
    floor.rule("Q4-results", "")
    assert floor.bid("ann", 90, 1).code is Code.OK


def test_a_compliance_officer_confirms_what_is_of_rules_alone(floor: RuledFloor) -> None:
    floor.does(SetRule, "root", *BEFORE[3:])
    removal = ProposedAction("set_rule", BEFORE._replace(kind=RuleKind.NONE))
    terms = ProposedAction("set_terms", SetTerms("", 0, "", "ACME", 100, 0))
    floor.does(Propose, "adam", "p1", (removal, terms))
    refused = floor.does(Confirm, "carl", "p1", True)
    text = "role: compliance may not confirm p1, which is not of rules alone"
    assert outcome(refused)[2:4] == (Code.NOT_PERMITTED, text)
    floor.does(Propose, "adam", "p2", (removal,))
    assert code(floor.does(Confirm, "carl", "p2", True)) is Code.OK
    assert floor.engine.company.rule_book.find("Q4") is None


def test_what_a_proposal_sets_and_what_begins_at_one_moment_is_looked_at_once(floor: RuledFloor) -> None:
    """With many accounts a look at all orders takes a hundredth of a second, and a proposal may hold 50 rules."""
    orders = {user: floor.bid(user, 90, 1).order_id for user in ("ann", "bob", "dan")}
    at_once = BEFORE._replace(from_us=0)
    actions = [
        ProposedAction("set_rule", at_once),
        ProposedAction("set_kill", SetKill("", 0, "", "group", "staff", True, "")),
    ]
    proposed = floor.does(Propose, "adam", "p", tuple(actions))
    assert outcome(proposed).cancelled == 2
    assert ends(proposed, "ann") == [(orders["ann"], "blackout")]
    assert ends(proposed, "bob") == [(orders["bob"], "killed")]
    assert list(floor.account("dan").orders) == [orders["dan"]]
    orders = {user: floor.bid(user, 90, 1, instrument="OTHER").order_id for user in ("ann", "cat")}
    for n, group in enumerate(("finance", "board")):
        floor.rule(f"r{n}", "restricted", (group,), ("OTHER",), TEN, discreet=group == "board")
    floor.time = TEN
    begun = floor.tick()
    assert ends(begun, "ann") == [(orders["ann"], "restricted")]
    assert ends(begun, "cat") == [(orders["cat"], "restricted")]
