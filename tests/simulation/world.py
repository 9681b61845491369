"""Virtual time: one agenda of events, and processes that take turns.

Nothing here looks at a real clock or draws from anything but the seed. Time stands still while anybody can run, and
then jumps to the next event. Among processes that can run the seed chooses, as the kernel's scheduler would; inside a
process the order is asyncio's own.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from random import Random
from typing import TYPE_CHECKING, Final

from tests.simulation.trace import Trace

if TYPE_CHECKING:
    from services.matching.aio.leader import Leader
    from tests.simulation.process import Process

WALL_CLOCK_BEGINS_S: Final = 1_900_000_000
"""Unix time at the virtual second 0."""
STEPS_AT_AN_INSTANT_MAX: Final = 200_000
"""A run whose time does not move on after so many steps is stuck."""


class Stuck(AssertionError):
    """Somebody runs on and on without letting time pass."""


class World:
    """
    One run's time, chance and processes.

    Args:
        seed: Decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now = 0.0
        """Virtual seconds since the run began."""
        self.steps = 0
        """Turns that processes have had, and events of the agenda."""
        self.trace = Trace()
        self.processes: list[Process] = []
        self.leaders: dict[str, Leader] = {}
        """Every leader there has been, by its process's name."""
        self.running: Process | None = None
        """Whose turn it is; None while an event of the agenda is carried out."""
        self._random = Random(f"{seed} world")
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def stream(self, name: str) -> Random:
        """Return a source of chance of its own: what one part draws does not move what another gets."""
        return Random(f"{self.seed} {name}")

    def at(self, when: float, callback: Callable[[], object]) -> None:
        """Have something done at a time, not before now; at the same time, in order of asking."""
        heapq.heappush(self._agenda, (max(when, self.now), next(self._numbers), callback))

    def after(self, delay_s: float, callback: Callable[[], object]) -> None:
        """Have something done after so many virtual seconds."""
        self.at(self.now + delay_s, callback)

    def note(self, who: str, what: str, *, kind: str = "") -> None:
        """Write into the trace."""
        self.trace.add(self.now, who, what, kind=kind)

    def run_until(self, when: float) -> None:
        """Let the world go on up to a time."""
        at_this_instant = 0
        while True:
            following = self._take_step()
            if following is None:
                at_this_instant += 1
                if at_this_instant > STEPS_AT_AN_INSTANT_MAX:
                    raise Stuck(f"time stands still at {self.now:.6f} s")
                continue
            if following > when:
                self.now = max(self.now, when)
                return
            self.now = following
            at_this_instant = 0

    def _take_step(self) -> float | None:
        """Do one thing that is due; if nothing is, return when something will be."""
        now, agenda = self.now, self._agenda
        following = agenda[0][0] if agenda else inf
        if following <= now:
            self.steps += 1
            heapq.heappop(agenda)[2]()
            return None
        able: list[Process] = []
        for process in self.processes:
            wakes_at = process.wakes_at()
            if wakes_at <= now:
                able.append(process)
            elif wakes_at < following:
                following = wakes_at
        if not able:
            return following
        self.steps += 1
        process = able[0] if len(able) == 1 else self._random.choice(able)
        self.running = process
        try:
            process.step()
        finally:
            self.running = None
        return None

    # The clocks that the programs read.

    def wall_s(self) -> float:
        """Unix time as the process whose turn it is sees it."""
        skew = self.running.clock_skew_s if self.running is not None else 0.0
        return WALL_CLOCK_BEGINS_S + self.now + skew

    @contextmanager
    def clocks(self) -> Iterator[None]:
        """Let `time` tell this world's time."""
        real = time.monotonic, time.time, time.time_ns, time.perf_counter
        time.monotonic = time.perf_counter = lambda: self.now
        time.time = self.wall_s
        time.time_ns = lambda: round(self.wall_s() * 1e6) * 1000
        try:
            yield
        finally:
            time.monotonic, time.time, time.time_ns, time.perf_counter = real
