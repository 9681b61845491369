"""The exercise of an option at the gateway: its form, who may send it, and the command that it becomes."""

from __future__ import annotations

import pytest

from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code
from services.matching.command_log import _well_typed
from shared.logs.commands import decode_commands, encode_commands
from shared.logs.option_commands import Exercise, SetSettlementPrice
from tests.unit.services.gateway.test_office import Office, asked

FIELDS = {"op": "exercise", "exercise_id": "e1", "instrument": "ACME-C", "lots": 2}


def test_an_exercise_becomes_its_command() -> None:
    _, batch, replies = asked("trader", **FIELDS)
    assert (batch, replies) == ([Exercise("gateway-1", 1, "adam", "e1", "ACME-C", 2)], [])


@pytest.mark.parametrize("roles", [(), ("admin",), ("market_maker", "auditor")])
def test_only_traders_exercise(roles: tuple[str, ...]) -> None:
    _, batch, replies = asked(*roles, **FIELDS)
    named = ", ".join(sorted(roles)) or "viewer"
    assert batch == []
    assert replies == [Reply(1, False, Code.NOT_PERMITTED, f"role: {named} may not exercise options", {})]


def test_a_lost_answer_says_what_may_be_repeated() -> None:
    office = Office()
    client, listener = office.enter_as("trader")
    office.ask(client, listener, **FIELDS)
    office.gateway.orders.take_batch()
    [(_, reply)] = office.gateway.orders.expire(office.now + 100)
    assert (reply.code, "same exercise_id" in reply.text) == (Code.OUTCOME_UNKNOWN, True)


@pytest.mark.parametrize(
    "command", [Exercise("g", 1, "ann", "e1", "ACME-C", 2), SetSettlementPrice("g", 2, "adam", "ACME", "2027-03-19", 5)]
)
def test_both_survive_the_log_and_wrong_types_do_not(command: Exercise | SetSettlementPrice) -> None:
    assert decode_commands(encode_commands([command])) == [command]
    assert _well_typed(command)
    assert not _well_typed(type(command)(*[*command[:-1], "x"]))  # type: ignore[arg-type]
