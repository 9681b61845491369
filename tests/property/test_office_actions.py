"""Whatever an administrator's request holds, it becomes commands that the log's reader takes, or a sentence."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.office_actions import ACTION_FORMS, read_proposed
from services.matching.command_log import decode_entry
from services.matching.engine import Engine
from shared.logs.commands import Propose, ProposedAction, encode_commands
from shared.logs.events import Outcome
from shared.logs.stream_keys import COMMANDS_FIELD
from tools.reference.vectors import ACTION_EXAMPLES

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted({name for example in ACTION_EXAMPLES for name in example} | {"action", "messages_per_second", "x"})
VALUES = ANYTHING | st.sampled_from([0, 1, 1.0, "", "ACME", "open"])
CHANGES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3)
NONSENSE = st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=20)


@st.composite
def actions(draw: st.DrawFn) -> dict[str, Any]:
    """An example with some fields of anything, or without some."""
    example = dict(draw(st.sampled_from(ACTION_EXAMPLES)))
    for name in draw(st.sets(st.sampled_from(sorted(example)), max_size=2)):
        del example[name]
    return example | draw(CHANGES)


@given(rows=st.lists(actions() | NONSENSE, min_size=1, max_size=4))
def test_it_becomes_commands_or_a_sentence(rows: list[dict[str, Any]]) -> None:
    """A form that let through what the log's reader skips would leave its administrator without an answer."""
    proposed: tuple[ProposedAction, ...] = ()
    refusal = ""
    try:
        proposed = read_proposed(rows)
    except ValueError as error:
        refusal = str(error)
    if not proposed:
        assert refusal.startswith("actions.")
        return
    command = Propose("gateway", 1, "adam", "p1", proposed)
    entry = decode_entry("log", b"1-0", {COMMANDS_FIELD: encode_commands([command])})
    assert entry.commands == [command]
    *_, outcome = Engine().apply(entry.commands[0], 1)
    assert isinstance(outcome, Outcome)
    assert bool(outcome.code) == bool(outcome.text)


def test_every_action_is_tried() -> None:
    assert {example["action"] for example in ACTION_EXAMPLES} == set(ACTION_FORMS)
