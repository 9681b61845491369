"""Section "Administration": the kill switch and a company's rules, which end orders and refuse new ones.

Whoever is stopped here, and put under a rule, is a user of the checks; both are lifted before the check ends.
"""

from __future__ import annotations

from typing import Any, Final

from openoutcry.wire.messages import Execution, Welcome
from openoutcry.wire.types import Code, ExecutionEvent, ProposalState
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import Skipped, expect, expect_equal, expect_ok, expect_refused
from outcry.conformance.users import mint

SECTION: Final = "Administration"
GROUP: Final = "conformance"
RULE: Final = "conformance"


class _Office:
    """Two administrators, one of whom confirms what the other proposes."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._clients: list[Client] = []

    async def propose(self, *actions: dict[str, Any]) -> None:
        if not self._clients:
            self._clients = [await self._administrator(user) for user in (1, 2)]
        first, other = self._clients
        proposal_id = f"check-{self._trial.unix_now():.6f}"
        reply = await first.ask("admin", proposal_id=proposal_id, actions=list(actions))
        if "accounts: this market keeps none" in reply.text:
            raise Skipped("the market keeps no accounts, and so no groups")
        expect_ok(reply)
        if reply.data["state"] == ProposalState.PROPOSED:
            expect_ok(await other.ask("confirm", proposal_id=proposal_id))

    async def _administrator(self, user: int) -> Client:
        client = await self._trial.stranger()
        token = mint(self._trial.users[user].name, self._trial.secret(), self._trial.unix_now() + 3600, "admin")
        expect_ok(await client.ask("login", token=token))
        await client.hear(Welcome)
        return client


def _bid(trial: Trial, price: int) -> dict[str, Any]:
    name = f"rule-{trial.unix_now():.6f}"
    return {
        "client_order_id": name,
        "instrument": trial.venue.quiet.symbol,
        "side": "bid",
        "price": price,
        "quantity": 1,
    }


async def _resting(trial: Trial, client: Client) -> int | None:
    """Have an order rest, if the user has the money for one."""
    expect_ok(await client.ask("subscribe", channel="account"))
    reply = await client.ask("order", **_bid(trial, await trial.free_price()))
    if reply.code is Code.INSUFFICIENT_CASH:
        return None
    expect_ok(reply)
    order_id: int = reply.data["order_id"]
    return order_id


async def _expect_end(client: Client, order_id: int | None, reason: Code) -> None:
    if order_id is not None:
        end = await client.hear(
            Execution,
            lambda each: (each.order_id, each.event) == (order_id, ExecutionEvent.CANCELLED),
            "the order's end",
        )
        expect_equal(end.reason, reason, "reason of the order's end")


@check(SECTION, users=3, contended=True)
async def a_kill_ends_orders_and_refuses_new_ones(trial: Trial) -> None:
    """A kill ends the open orders of whom it stops with the reason `killed`, and refuses new ones with that code."""
    client, office = await trial.connect(), _Office(trial)
    kill = {"action": "set_kill", "scope": "user", "name": trial.users[0].name}
    order_id = await _resting(trial, client)
    try:
        await office.propose({**kill, "on": True, "reason": "conformance"})
        await _expect_end(client, order_id, Code.KILLED)
        await office.propose({**kill, "on": True, "reason": "again"})
        reply = await client.ask("order", **_bid(trial, 1))
        expect_refused(reply, Code.KILLED)
        expect(trial.users[0].name in reply.text, f"the text does not say who is stopped: {reply.text!r}")
    finally:
        await office.propose({**kill, "on": False})
    reply = await client.ask("order", **_bid(trial, 1))
    expect(reply.code is not Code.KILLED, "the kill was lifted, and orders are refused still")
    await client.ask("cancel_all")


@check(SECTION, users=3, contended=True)
async def a_discreet_rule_names_nothing(trial: Trial) -> None:
    """Users under a discreet rule read `restricted`, whatever its kind, and neither its name nor its end."""
    client, office = await trial.connect(), _Office(trial)
    joining = {"action": "set_groups", "user": trial.users[0].name, "groups": [GROUP]}
    rule = {"action": "set_rule", "rule_id": RULE, "kind": "blackout", "groups": [GROUP], "discreet": True}
    order_id = await _resting(trial, client)
    try:
        await office.propose(joining, rule)
        await _expect_end(client, order_id, Code.RESTRICTED)
        reply = await client.ask("order", **_bid(trial, 1))
        expect_refused(reply, Code.RESTRICTED)
        expect(RULE not in reply.text and "until" not in reply.text, f"the text tells too much: {reply.text!r}")
    finally:
        await office.propose({"action": "set_rule", "rule_id": RULE}, {**joining, "groups": []})
