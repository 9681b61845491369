"""Every kind of command and request is made as expensive as it gets, in little. Nothing here looks at a time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import get_args

import pytest

from benchmarks import pit, worst_administration, worst_commands
from benchmarks.pit import Pit
from benchmarks.worst_commands import COMMANDS, REQUESTS, House
from openoutcry.wire.types import Code
from shared.logs.commands import Command
from shared.logs.events import Outcome

SHARE = 0.01


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """A measurement keeps the collector away."""
    yield
    gc.enable()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_carried_out(name: str) -> None:
    """A refused one would cost nothing, and say nothing."""
    pit = Pit(SHARE)
    outcomes: list[Outcome] = []
    act = COMMANDS[name](pit)
    apply = pit.engine.apply

    def noted(command: Command, time_us: int) -> list[object]:
        events = apply(command, time_us)
        outcomes.extend(event for event in events if isinstance(event, Outcome))
        return list(events)

    pit.engine.apply = noted  # type: ignore[assignment, method-assign]
    act()
    assert all(outcome.code is Code.OK for outcome in outcomes), outcomes


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_carried_out(name: str) -> None:
    REQUESTS[name](House(SHARE))()


def test_every_kind_of_command_is_measured() -> None:
    """Whoever adds one says what its worst costs."""
    source = {**worst_commands.__dict__, **worst_administration.__dict__, **pit.__dict__}
    assert all(kind.__name__ in source for kind in get_args(Command))
