"""A run: some seconds of faults, then peace, and everything must be right again within a bound.

The same seed gives the same run, event for event; `Result.trace` is the proof.
"""

from __future__ import annotations

import gc
import logging
import traceback
from collections import Counter
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

import structlog

from tests.simulation.faults import Faults
from tests.simulation.history import Finding
from tests.simulation.market import Market
from tests.simulation.parts import Patch, seams
from tests.simulation.world import World

QUIET_S: Final = 2.0
"""Before the first fault: engines lead, gateways follow, users have their books."""
FAULTS_S: Final = 25.0
CONVERGENCE_S: Final = 25.0
"""After the last fault everything is right within so many virtual seconds."""
LOOK_S: Final = 0.5
EVENTS_TOLD: Final = 60


class Result(NamedTuple):
    """How a run went."""

    seed: int
    finding: str
    """What went wrong; empty if nothing did."""
    trace: str
    """Hash over every event."""
    steps: int
    virtual_s: float
    counts: Counter[str]
    """Faults and ends of processes by kind."""
    packets: int
    acknowledged: int
    epochs: int
    """Histories there were; the first one included."""
    lost: int
    """Acknowledged orders that a new epoch no longer has, and said so."""
    converged_s: float
    """Virtual seconds from the end of the faults until all was right."""
    tail: list[str]
    """The last events, of a run with a finding."""

    def report(self) -> str:
        """Tell of a finding, and how to see it again."""
        events = "\n".join(self.tail)
        return f"{events}\n\nseed {self.seed}: {self.finding}\nreproduce: make sim SEED={self.seed}"


def simulate(seed: int, patches: Sequence[Patch] = (), only: Sequence[str] = (), faults_s: float = FAULTS_S) -> Result:
    """
    Run one seed.

    Args:
        seed: Decides everything.
        patches: Planted bugs: (owner, attribute, value).
        only: Kinds of faults; all without any.
        faults_s: Virtual seconds of faults.
    """
    world = World(seed)
    with inside(world, patches):
        run = _Run(world)
        finding, tail = "", []
        try:
            run.go(faults_s, only)
        except AssertionError as error:
            finding = str(error) or _place(error)
        except Exception as error:  # noqa: BLE001 - a program's own error, wherever it came up
            finding = f"{error!r} at {_place(error)}"
        if finding:
            world.note("FINDING", finding)
            tail = world.trace.tail(EVENTS_TOLD)
        result = run.result(finding, tail)
        run.end()
    return result


class _Run:
    def __init__(self, world: World) -> None:
        self._world = world
        self._market = Market(world)
        self._lost = 0
        self._converged_s = 0.0

    def go(self, faults_s: float, only: Sequence[str]) -> None:
        world, market = self._world, self._market
        world.run_until(QUIET_S)
        market.store.model.secure()  # there is a market when the faults begin
        faults = Faults(market, only)
        faults.start()
        while world.now < QUIET_S + faults_s:
            world.run_until(world.now + LOOK_S)
            market.history.recover()
        faults.stop()
        world.note("PEACE", "no more faults", kind="")
        market.reopen()
        for user in market.users:
            user.is_trading = False
        self._settle()
        self._lost = market.check_final_state()

    def _settle(self) -> None:
        world, market = self._world, self._market
        began = world.now
        while unrest := market.unrest():
            if world.now - began > CONVERGENCE_S:
                raise Finding(f"not at rest {CONVERGENCE_S:g} s after the last fault: {unrest}")
            world.run_until(world.now + 0.01 if world.now - began > 1 else world.now + 0.05)
        self._converged_s = world.now - began

    def result(self, finding: str, tail: list[str]) -> Result:
        world, market = self._world, self._market
        return Result(
            world.seed,
            finding,
            world.trace.digest(),
            world.steps,
            world.now,
            world.trace.counts,
            len(market.history.nodes),
            sum(len(user.acknowledged) for user in market.users),
            len(market.history.tips),
            self._lost,
            self._converged_s,
            tail,
        )

    def end(self) -> None:
        for process in list(self._world.processes):
            process.thaw()
            process.kill()


@contextmanager
def inside(world: World, patches: Sequence[Patch] = ()) -> Iterator[None]:
    """Let a world's time, chance and seams hold while the block lasts, and planted bugs beside them."""
    with ExitStack() as stack:
        stack.enter_context(_no_collections())
        stack.enter_context(world.clocks())
        stack.enter_context(_logging_to(world))
        for owner, attribute, value in [*seams(world), *patches]:
            stack.callback(setattr, owner, attribute, getattr(owner, attribute))
            setattr(owner, attribute, value)
        yield


@contextmanager
def _no_collections() -> Iterator[None]:
    """A run is short: what it leaves behind is collected after it, which saves a fifth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _logging_to(world: World) -> Iterator[None]:
    before = structlog.get_config()

    def into_the_trace(_logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        who = world.running.name if world.running is not None else "world"
        words = " ".join(f"{name}={value}" for name, value in event.items() if name != "event")
        world.note(who, f"{method}: {event['event']} {words}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[into_the_trace],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def _place(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.line}"
