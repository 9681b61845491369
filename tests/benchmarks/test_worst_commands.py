"""Every kind of command and request is made as expensive as it gets, in little. Nothing here looks at a time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import get_args

import pytest

from benchmarks import pit, worst_administration, worst_commands, worst_options, worst_sessions
from benchmarks.pit import Pit
from benchmarks.worst_commands import COMMANDS
from benchmarks.worst_requests import REQUESTS, House
from openoutcry.wire.types import Code
from services.matching.engine import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command
from shared.logs.events import Event, Outcome

SHARE = 0.01


class NotingBuilder(PacketBuilder):
    """Keeps the outcomes of its commands."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.outcomes: list[Outcome] = []

    def apply(self, command: Command, time_us: int) -> list[Event]:
        """As it is, and note how it went."""
        events = super().apply(command, time_us)
        self.outcomes += [event for event in events if isinstance(event, Outcome)]
        return events


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """A measurement keeps the collector away."""
    yield
    gc.enable()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_carried_out(name: str) -> None:
    """A refused one would cost nothing, and say nothing."""
    pit = Pit(SHARE)
    act = COMMANDS[name](pit)
    noting = NotingBuilder(pit.engine)
    pit.builder = noting
    act()
    assert all(outcome.code is Code.OK for outcome in noting.outcomes), noting.outcomes


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_carried_out(name: str) -> None:
    REQUESTS[name](House(SHARE))()


def test_every_kind_of_command_is_measured() -> None:
    """Whoever adds one says what its worst costs."""
    measured = (worst_commands, worst_administration, worst_options, worst_sessions, pit)
    source = {name for module in measured for name in vars(module)}
    assert [kind.__name__ for kind in get_args(Command) if kind.__name__ not in source] == []
