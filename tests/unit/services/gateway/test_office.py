"""Administrators' requests: who may ask, what they become, and what is answered."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Goodbye, Reply
from openoutcry.wire.types import Code, MarketState, ProposalState, TransferKind
from services.gateway.gateway import ConnectedClient
from services.gateway.office_actions import ACTION_FORMS, read_proposed
from services.matching.command_log import _well_typed
from shared.identity import Identity, mint_token
from shared.logs.commands import ACTIONS, Confirm, Propose, ReadMarket
from shared.logs.events import AdministrativeAct, MarketShown, Outcome
from shared.logs.market_commands import Limits
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_gateway import SECRET, House
from tools.reference.vectors import ACTION_EXAMPLES

HALT = {"action": "set_market_state", "instrument": "ACME", "state": "halted", "reason": "news"}


class Office(House):
    def enter_as(self, *roles: str, user: str = "adam") -> tuple[ConnectedClient, Listener]:
        listener = Listener()
        identity = Identity(user, frozenset(roles))
        return self.gateway.open("s1", listener.encoding, listener, identity, self.now, self.time_us), listener


def asked(*roles: str, **request: Any) -> tuple[Office, list[Any], list[Reply]]:
    office = Office()
    client, listener = office.enter_as(*roles)
    messages = office.ask(client, listener, **request)
    return office, office.gateway.orders.take_batch(), [each for each in messages if isinstance(each, Reply)]


def test_the_actor_is_the_tokens_user() -> None:
    _, batch, replies = asked("admin", "trader", op="admin", proposal_id="p1", actions=[HALT])
    assert batch == [Propose("gateway-1", 1, "adam", "p1", read_proposed([HALT]))]
    assert not replies
    _, batch, replies = asked("admin", op="admin", proposal_id="p1", actions=[HALT], actor="eve")
    assert (batch, replies[0].text) == ([], "actor: is no field of this request")


@pytest.mark.parametrize(
    ("roles", "request_fields", "text"),
    [
        ((), {"op": "admin", "proposal_id": "p1", "actions": [HALT]}, "role: viewer may not administer the market"),
        (
            ("trader", "auditor"),
            {"op": "admin", "proposal_id": "p1", "actions": [{"action": "nonsense"}]},
            "role: auditor, trader may not administer the market",
        ),
        (
            ("compliance",),
            {"op": "admin", "proposal_id": "p1", "actions": [{**HALT, "state": "open"}]},
            "role: compliance may not propose what is not of rules alone",
        ),
        (("auditor",), {"op": "confirm", "proposal_id": "p1"}, "role: auditor may not confirm proposals"),
        (("trader",), {"op": "market"}, "role: trader may not see what is set"),
    ],
)
def test_roles_decide_who_may_ask(roles: tuple[str, ...], request_fields: dict[str, Any], text: str) -> None:
    office, batch, replies = asked(*roles, **request_fields)
    assert (batch, replies) == ([], [Reply(1, False, Code.NOT_PERMITTED, text, {})])
    assert office.gateway.orders.in_flight == 0
    [told] = office.gateway.refused.take()
    assert (told.where, told.code, told.text) == ("gateway", Code.NOT_PERMITTED, text)


def test_compliance_may_propose_and_confirm_what_is_of_rules() -> None:
    actions = [HALT, {"action": "set_rule", "rule_id": "Q4", "kind": "blackout"}, {"action": "end_orders", "user": "x"}]
    _, batch, replies = asked("compliance", op="admin", proposal_id="p1", actions=actions)
    assert batch == [Propose("gateway-1", 1, "adam", "p1", read_proposed(actions))]
    assert not replies
    assert asked("compliance", op="confirm", proposal_id="p1")[1] == [Confirm("gateway-1", 1, "adam", "p1", True)]
    assert asked("compliance", "admin", op="confirm", proposal_id="p1")[1] == [Confirm("gateway-1", 1, "adam", "p1")]
    taken_back = asked("compliance", op="withdraw", proposal_id="p1")[1]
    assert taken_back == [Confirm("gateway-1", 1, "adam", "p1", withdraws=True)]


@pytest.mark.parametrize("role", ["admin", "compliance", "auditor"])
def test_three_roles_may_see_what_is_set(role: str) -> None:
    assert asked(role, op="market", start=7)[1] == [ReadMarket("gateway-1", 1, "adam", 7)]


def test_replies_name_the_proposal_and_its_state() -> None:
    office = Office()
    client, listener = office.enter_as("admin")
    office.ask(client, listener, op="admin", id=1, proposal_id="p1", actions=[HALT])
    office.ask(client, listener, op="confirm", id=2, proposal_id="p2")
    office.ask(client, listener, op="market", id=3)
    assert office.gateway.orders.take_batch()[1] == Confirm("gateway-1", 2, "adam", "p2")
    done, waits = ProposalState.DONE, ProposalState.PROPOSED
    office.feed(
        outcomes=[
            Outcome("gateway-1", 1, Code.OK, "", 0, 3),
            Outcome("gateway-1", 2, Code.FOUR_EYES, "actor: …", 0, 0),
            Outcome("gateway-1", 3, Code.OK, "", 0, 0),
        ],
        acts=[
            AdministrativeAct("gateway-2", 1, 5, "propose", "eve", "p1", "eve", waits, Code.OK, ()),
            AdministrativeAct("gateway-1", 1, 5, "propose", "adam", "p1", "adam", done, Code.OK, ()),
            AdministrativeAct("gateway-1", 2, 5, "confirm", "adam", "p2", "adam", waits, Code.FOUR_EYES, ()),
        ],
        shown=[MarketShown("gateway-1", 3, 9, 1, [("market", True, True)])],
    )
    replies = listener.heard(Reply)
    assert [each.data for each in replies] == [
        {"proposal_id": "p1", "state": "done", "cancelled": 3},
        {"proposal_id": "p2", "state": "proposed"},
        {"revision": 9, "total": 1, "rows": [["market", True, True]]},
    ]
    assert (replies[1].ok, replies[1].code) == (False, Code.FOUR_EYES)


@pytest.mark.parametrize("action", ACTION_EXAMPLES, ids=lambda each: each["action"])
def test_every_action_is_one_that_the_engine_reads(action: dict[str, Any]) -> None:
    """A command that the log's reader does not take would be skipped, and its administrator wait for ever."""
    [proposed] = read_proposed([action])
    assert proposed.name == action["action"]
    assert type(proposed.command) is ACTIONS[proposed.name]
    assert _well_typed(Propose("g", 1, "adam", "p1", (proposed,)))


def test_every_action_has_a_form_and_an_example() -> None:
    assert set(ACTION_FORMS) == set(ACTIONS) == {each["action"] for each in ACTION_EXAMPLES}


def test_fields_become_the_commands() -> None:
    transfer = {
        "action": "make_transfer",
        "transfer_id": "t1",
        "kind": "grant",
        "asset": "ACME",
        "debit": "~issuer",
        "credit": "ann",
        "amount": 7.0,
        "available_from": 9,
        "note": "für Ann",
    }
    [made] = read_proposed([transfer])
    assert made.command[3:] == ("t1", TransferKind.GRANT, "ACME", "~issuer", "ann", 7, 9, "für Ann", False)
    assert type(made.command[8]) is int
    [limits] = read_proposed([{"action": "set_limits", "group": "staff", "collar_bp": 500}])
    assert limits.command[3:] == ("", "staff", None, Limits(collar_bp=500))
    [halt] = read_proposed([HALT])
    assert halt.command[2:] == ("ACME", MarketState.HALTED, "news")
    option = {"underlying": "ACME", "right": "call", "strike": 100.0, "expiry": "2027-03-19"}
    [listed] = read_proposed([{"action": "list_instrument", "symbol": "X", "kind": "option", "option": option}])
    assert listed.command[2] == Instrument("X", "option", option=option)


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ({}, "actions.1.action: must be one of begin_accounts, make_transfer"),
        ({"action": ["x"]}, "actions.1.action: must be one of"),
        ({"action": "set_terms"}, "actions.1.instrument: is required"),
        (HALT | {"reson": "x"}, "actions.1.reson: is no field of this request"),
        (HALT | {"state": "open soon"}, "actions.1.state: must be one of 'open', 'halted', 'closed'"),
        (HALT | {"reason": "a\x00b"}, "actions.1.reason: must match"),
        (HALT | {"reason": "a\x7fb"}, "actions.1.reason: must match"),
        (HALT | {"reason": "a" * 201}, "actions.1.reason: must match"),
        (HALT | {"reason": "\ud800"}, "actions.1.reason: "),
        (HALT | {f"f{n}": 1 for n in range(24)}, "actions.1: may have 24 fields, this has 28"),
        ({"action": "set_limits", "user": "a", "group": "b"}, "actions.1.group: limits are of a user or of a group"),
        ({"action": "set_limits", "collar_bp": 10_000}, "actions.1.collar_bp: must be at most 9999"),
        (
            {"action": "set_terms", "instrument": "ACME", "reference": 1.5},
            "actions.1.reference: must be a whole number",
        ),
        ({"action": "end_orders", "user": "~bank"}, "actions.1.user: must match"),
    ],
)
def test_a_wrong_field_is_named(action: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=r"^actions") as caught:
        read_proposed([HALT, action])
    assert str(caught.value).startswith(sentence)


def test_so_many_actions_make_a_proposal() -> None:
    _, batch, replies = asked("admin", op="admin", proposal_id="p1", actions=[HALT] * 51)
    assert not batch
    assert replies[0].text.startswith("actions: list should have at most 50 items")


def test_nobody_is_administrator_and_auditor() -> None:
    """Nobody audits what they have done."""
    office = Office()
    client, listener = office.enter(user="")
    with pytest.raises(Exception, match="roles: nobody is admin and auditor at once"):
        mint_token("adam", SECRET, 65, roles=("admin", "auditor"))
    import jwt  # noqa: PLC0415 - what we mint cannot be wrong

    token = jwt.encode({"sub": "adam", "exp": 65, "roles": ["auditor", "admin"]}, SECRET, "HS256")
    office.ask(client, listener, op="login", token=token)
    [goodbye] = listener.heard(Goodbye)
    assert (goodbye.code, goodbye.text) == (
        CloseCode.FORBIDDEN,
        "token: roles: nobody is admin and auditor at once",
    )


def test_minted_roles_are_the_tokens() -> None:
    office = Office()
    token = mint_token("adam", SECRET, 65, roles=("admin", "trader"))
    assert office.gateway.authenticate(token, 1.0).roles == {"admin", "trader"}
