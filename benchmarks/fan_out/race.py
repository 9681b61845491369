"""The whole measurement: every contestant in every run, one after the other, their order turned from run to run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from benchmarks.fan_out.arena import Arena
from benchmarks.fan_out.build import NoCompiler
from benchmarks.fan_out.contestant import Contestant
from benchmarks.fan_out.ladder import RUNGS_MAX, Ladder, climb, refine
from benchmarks.fan_out.look import Look
from benchmarks.fan_out.peers.environment import NotInstalled
from benchmarks.fan_out.users import UsersFailed
from openoutcry.wire.errors import ConfigurationError
from outcry.stack.aio.child import RoleFailed
from outcry.stack.aio.stop_signal import StopSignal

RATE: Final = 100.0
"""Updates a second of the first table: one flush a pace."""
PAYLOAD_BYTES: Final = 49
"""A delta of one level, until one has been measured."""
PROMPT_P99_MS: Final = 25.0
"""What conveyed means in the second table."""

Say = Callable[[str], None]


class Effort(NamedTuple):
    """How much to measure."""

    users: int = 1_000
    runs: int = 3
    seconds: float = 6.0
    """Of each look at RATE."""
    warming_s: float = 1.0
    rung_s: float = 1.5
    """Of each look on the way to the highest rate."""
    rung_warming_s: float = 0.5
    rungs_max: int = RUNGS_MAX


TINY: Final = Effort(users=10, runs=1, seconds=0.5, warming_s=0.1, rung_s=0.3, rung_warming_s=0.1, rungs_max=2)
"""Enough to see that everything runs; its figures mean nothing."""


class Steady(NamedTuple):
    """A contestant at RATE."""

    look: Look
    idle_bytes: float
    """Memory of one idle connection."""
    payload_bytes: float
    """Of a message: ours is measured, the others are given the same."""


class Results:
    """
    What came of the runs.

    Args:
        contestants: Who was asked for, in the order of the tables.
    """

    def __init__(self, contestants: Sequence[Contestant]) -> None:
        self.contestants: Final = contestants
        self.steady: Final[dict[str, dict[int, Steady]]] = {contestant.name: {} for contestant in contestants}
        """Name and number of the run."""
        self.ladders: Final[dict[str, dict[int, Ladder]]] = {contestant.name: {} for contestant in contestants}
        self.absent: Final[dict[str, str]] = {}
        """Who could not take part, and why."""
        self.failed: Final[dict[str, str]] = {}
        """Whose last run ended with an error, and which."""


class Race:
    """
    The runs.

    Args:
        contestants: In the order of the first run; ours first, so that the others get payloads of its size.
        effort: How much.
        refined: Names of those whose highest rate is searched for in every run, and finely.
        stop: Ctrl-C.
        say: Progress.
    """

    def __init__(
        self, contestants: Sequence[Contestant], effort: Effort, refined: Collection[str], stop: StopSignal, say: Say
    ) -> None:
        self.results: Final = Results(contestants)
        self._effort = effort
        self._refined = refined
        self._stop = stop
        self._say = say
        self._payload_bytes = float(PAYLOAD_BYTES)

    async def run(self) -> Results:
        """
        Run everything.

        Raises:
            Interrupted: At Ctrl-C.
        """
        present = [contestant for contestant in self.results.contestants if self._is_present(contestant)]
        for number in range(self._effort.runs):
            shift = number * len(present) // self._effort.runs
            for contestant in (*present[shift:], *present[:shift]):
                await self._take_turn(contestant, number)
        return self.results

    def _is_present(self, contestant: Contestant) -> bool:
        try:
            contestant.check()
        except (NotInstalled, NoCompiler, ConfigurationError) as error:
            self.results.absent[contestant.name] = str(error)
            self._say(f"{contestant.name}: {error}")
            return False
        return True

    async def _take_turn(self, contestant: Contestant, number: int) -> None:
        name = contestant.name
        try:
            async with Arena(contestant, self._effort.users, self._stop) as arena:
                if contestant.is_typical:
                    self.results.steady[name][number] = await self._hold(arena, number)
                if name in self._refined or number == 0:
                    self.results.ladders[name][number] = await self._climb(arena)
        except (RoleFailed, UsersFailed, OSError) as error:
            # The others go on: a run of minutes is not thrown away, and the table says who failed.
            self.results.failed[name] = str(error)
            self._say(f"{name}: failed: {error}")

    async def _hold(self, arena: Arena, number: int) -> Steady:
        effort, contestant = self._effort, arena.contestant
        look = await arena.look(RATE, round(self._payload_bytes), effort.seconds, effort.warming_s)
        if contestant.name == "openoutcry" and look.frames:
            self._payload_bytes = look.bytes / look.frames - 2  # the header of a frame below 126 bytes
        used = look.us_per_delivery(look.servers.total_s)
        self._say(f"run {number + 1}, {contestant.name}: {used:.2f} µs a delivery, {_seen(look)}")
        return Steady(look, arena.idle_bytes, self._payload_bytes)

    async def _climb(self, arena: Arena) -> Ladder:
        effort = self._effort

        async def attempt(rate: float) -> Look:
            look = await arena.look(rate, round(self._payload_bytes), effort.rung_s, effort.rung_warming_s)
            self._say(f"  {arena.contestant.name} at {rate:,.0f} updates/s: {_seen(look)}")
            return look

        ladder = await climb(attempt, arena.contestant.first_rate, effort.rungs_max)
        if arena.contestant.name not in self._refined or effort is TINY:
            return ladder
        return await refine(ladder, attempt, PROMPT_P99_MS)


def _seen(look: Look) -> str:
    faults = ", ".join(f"{count:,} {name}" for name, count in look.faults.items())
    return (
        f"{look.share:.1%} delivered, p50 {look.p50_ms:.1f} p99 {look.p99_ms:.1f} ms{', ' + faults if faults else ''}"
    )
