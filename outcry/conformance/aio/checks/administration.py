"""Section "Administration": roles, proposals and their confirmation.

What is proposed here changes nothing that users could notice: that an open instrument trades.
"""

from __future__ import annotations

from typing import Any, Final

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.messages import Reply, Welcome
from openoutcry.wire.types import Code, ProposalState
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import Skipped, expect, expect_equal, expect_ok, expect_refused
from outcry.conformance.users import mint

SECTION: Final = "Administration"


async def _administrator(trial: Trial, user: int, *roles: str) -> Client:
    name, secret = trial.users[user].name, trial.secret()
    client = await trial.stranger()
    expect_ok(await client.ask("login", token=mint(name, secret, trial.unix_now() + 3600, *roles)))
    await client.hear(Welcome)
    return client


def _open(trial: Trial) -> list[dict[str, Any]]:
    return [{"action": "set_market_state", "instrument": trial.venue.quiet.symbol, "state": "open"}]


def _proposal_id(trial: Trial) -> str:
    return f"check-{trial.unix_now():.6f}"


async def _waiting(trial: Trial, client: Client, proposal_id: str) -> Reply:
    """Propose what needs two persons; a check for a market where nothing does cannot be shown."""
    reply = await client.ask("admin", proposal_id=proposal_id, actions=_open(trial))
    expect_ok(reply)
    if reply.data.get("state") == ProposalState.DONE:
        raise Skipped("one administrator is enough in this market (four_eyes = false)")
    expect_equal(reply.data, {"proposal_id": proposal_id, "state": ProposalState.PROPOSED}, "data of the reply")
    return reply


@check(SECTION)
async def whoever_has_no_role_is_refused(trial: Trial) -> None:
    """Whoever has none of them is refused as `not_permitted`, and `text` names the roles that the token has."""
    client = await trial.connect()
    requests: dict[str, dict[str, Any]] = {
        "admin": {"proposal_id": "p", "actions": _open(trial)},
        "confirm": {"proposal_id": "p"},
        "withdraw": {"proposal_id": "p"},
        "market": {},
    }
    for op, fields in requests.items():
        reply = await client.ask(op, **fields)
        expect_refused(reply, Code.NOT_PERMITTED)
        expect("viewer" in reply.text, f"the text names no role: {reply.text!r}")
    await client.accepted("ping")


@check(SECTION)
async def wrong_actions_are_named(trial: Trial) -> str:
    """A wrong action refuses the whole request, and `text` names the action by its number, its field and the rule."""
    client = await _administrator(trial, 0, "admin")
    good, symbol = _open(trial)[0], trial.venue.quiet.symbol
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "action"),
        ({"action": "no_such_action"}, "action"),
        ({"action": "set_terms"}, "instrument"),
        ({**good, "state": "gone"}, "state"),
        ({**good, "reason": "a\u0000b"}, "reason"),
        ({**good, "reason": "a" * 201}, "reason"),
        ({**good, "actor": "bob"}, "actor"),
        ({"action": "set_limits", "instrument": symbol, "collar_bp": 10_000}, "collar_bp"),
    ]
    for action, field in wrong:
        reply = await client.ask("admin", proposal_id="p", actions=[good, action])
        expect_refused(reply, Code.BAD_REQUEST)
        expect(f"actions.1.{field}" in reply.text, f"{field} is not named: {reply.text!r}")
    return f"{len(wrong)} wrong"


@check(SECTION)
async def nobody_confirms_alone(trial: Trial) -> None:
    """Whoever proposed something cannot confirm it: `four_eyes`."""
    client, proposal_id = await _administrator(trial, 0, "admin"), _proposal_id(trial)
    await _waiting(trial, client, proposal_id)
    expect_refused(await client.ask("confirm", proposal_id=proposal_id), Code.FOUR_EYES)


@check(SECTION, users=2)
async def another_administrator_confirms(trial: Trial) -> None:
    """Another administrator has it carried out by `confirm`, at any gateway, within 24 hours: `state` is `done`."""
    client, proposal_id = await _administrator(trial, 0, "admin"), _proposal_id(trial)
    await _waiting(trial, client, proposal_id)
    other = await _administrator(trial, 1, "admin")
    for _ in range(2):  # a confirmation again is the same
        reply = await other.ask("confirm", proposal_id=proposal_id)
        expect_ok(reply)
        expect_equal(reply.data, {"proposal_id": proposal_id, "state": ProposalState.DONE}, "data of the reply")


@check(SECTION, users=2)
async def a_proposal_can_be_taken_back(trial: Trial) -> None:
    """Whoever proposed something may take it back by `withdraw` while it waits: `state` is `withdrawn`."""
    client, proposal_id = await _administrator(trial, 0, "admin"), _proposal_id(trial)
    await _waiting(trial, client, proposal_id)
    other = await _administrator(trial, 1, "admin")
    expect_refused(await other.ask("withdraw", proposal_id=proposal_id), Code.NOT_PERMITTED)
    for _ in range(2):  # a withdrawal again is the same
        reply = await client.ask("withdraw", proposal_id=proposal_id)
        expect_ok(reply)
        expect_equal(reply.data, {"proposal_id": proposal_id, "state": ProposalState.WITHDRAWN}, "data of the reply")
    expect_refused(await other.ask("confirm", proposal_id=proposal_id), Code.UNKNOWN_PROPOSAL)


@check(SECTION)
async def the_same_proposal_again_is_the_same(trial: Trial) -> None:
    """The same proposal again is the same: it is answered by its `state` and changes nothing."""
    client, proposal_id = await _administrator(trial, 0, "admin"), _proposal_id(trial)
    first = await _waiting(trial, client, proposal_id)
    again = await client.ask("admin", proposal_id=proposal_id, actions=_open(trial))
    expect_ok(again)
    expect_equal(again.data, first.data, "data of the second reply")


@check(SECTION)
async def an_id_names_one_proposal(trial: Trial) -> None:
    """Something else under its id is refused as `duplicate_proposal`."""
    client, proposal_id = await _administrator(trial, 0, "admin"), _proposal_id(trial)
    await _waiting(trial, client, proposal_id)
    other = [{**_open(trial)[0], "reason": "another"}]
    expect_refused(await client.ask("admin", proposal_id=proposal_id, actions=other), Code.DUPLICATE_PROPOSAL)


@check(SECTION)
async def what_nobody_proposed_is_unknown(trial: Trial) -> None:
    """Nor can anybody an id that was never proposed: `unknown_proposal`."""
    client = await _administrator(trial, 0, "admin")
    expect_refused(await client.ask("confirm", proposal_id=_proposal_id(trial)), Code.UNKNOWN_PROPOSAL)


@check(SECTION)
async def what_is_set_is_shown_in_parts(trial: Trial) -> str:
    """A reply holds at most 100 rows from `start` on, and `total` says how many there are."""
    client = await _administrator(trial, 0, "auditor")
    rows: list[Any] = []
    while True:
        reply = await client.ask("market", start=len(rows))
        expect_ok(reply)
        part = list(reply.data["rows"])
        expect(0 < len(part) <= 100, f"a reply holds {len(part)} rows")
        rows += part
        if len(rows) >= reply.data["total"]:
            break
    symbols = [row[1] for row in rows if row[0] == "instrument"]
    expect(trial.venue.quiet.symbol in symbols, f"{trial.venue.quiet.symbol} is not among the instruments")
    return f"{len(rows)} rows"


@check(SECTION)
async def an_auditor_changes_nothing(trial: Trial) -> None:
    """`admin`, `confirm` and `withdraw` need the role `admin`, or `compliance` for what is of rules."""
    client = await _administrator(trial, 0, "auditor")
    reply = await client.ask("admin", proposal_id="p", actions=_open(trial))
    expect_refused(reply, Code.NOT_PERMITTED)
    expect_refused(await client.ask("confirm", proposal_id="p"), Code.NOT_PERMITTED)


@check("Tokens")
async def nobody_is_administrator_and_auditor(trial: Trial) -> None:
    """A token with both `admin` and `auditor` among its roles is refused with 4501."""
    token = mint(trial.users[0].name, trial.secret(), trial.unix_now() + 3600, "admin", "auditor")
    client = await trial.stranger()
    expect_refused(await client.ask("login", token=token), Code.NOT_AUTHENTICATED)
    goodbye, ending = await client.sent_away()
    expect_equal(goodbye.code, CloseCode.FORBIDDEN, "code of the goodbye")
    expect_equal(ending.code, CloseCode.FORBIDDEN, "close code")
