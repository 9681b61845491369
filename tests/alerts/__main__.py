"""`python -m tests.alerts`: every alert from a real start of the market and from the faults that should raise it.

Each case has a market of its own, which is quiet at first, and a Prometheus with the shipped rules and intervals. An
alert must fire within the time that it states, and no other one may. Exit status 0 if all do; 1 if not.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Final, NamedTuple

import typer

from outcry.stack.aio.child import RoleFailed
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stop_signal import Interrupted, StopSignal
from tests.alerts.cases import Case, cases
from tests.alerts.prometheus import Prometheus, stated_seconds
from tests.alerts.site import open_site

QUIET_S: Final = 20.0
"""How long a fresh market is watched before anything happens to it: new series are no faults."""
GRACE_S: Final = 6.0
"""A busy machine's scrapes and evaluations may come so much later than the alert states."""
AFTER_S: Final = 12.0
"""How long one watches for other alerts once all that should fire do: two scrapes and an evaluation."""
POLL_S: Final = 0.5
OPEN_FAULT_SECONDS_MAX: Final = 120.0


class Moments(NamedTuple):
    """When what happened in a case; monotonic seconds."""

    begun: float
    """The fault began to be made."""
    there: float
    """The fault was there."""
    fired: dict[str, float]
    """First sight of each alert."""


def complaints(case: Case, moments: Moments, stated: dict[str, float]) -> list[str]:
    """
    Say what is not as it should be.

    Args:
        case: What was tried.
        moments: What was seen.
        stated: Within what time each alert says that it fires, in seconds.
    """
    found = [
        f"{name} fired, {moments.fired[name] - moments.begun:.0f} s after the fault began"
        for name in sorted(moments.fired.keys() - case.raises - case.also)
    ]
    for name in sorted(case.raises):
        fired = moments.fired.get(name)
        if fired is None:
            found.append(f"{name} did not fire within {stated[name]:.0f} s")
        elif fired < moments.begun:
            found.append(f"{name} fired before anything had happened")
        elif fired > moments.there + stated[name] + GRACE_S:
            found.append(f"{name} fired after {fired - moments.there:.0f} s, not within {stated[name]:.0f}")
    return found


async def _try(case: Case, stop: StopSignal) -> tuple[Case, Moments]:
    with private_folder() as folder:
        async with open_site(case.options, folder, stop) as site, asyncio.TaskGroup() as tasks:
            fired: dict[str, float] = {}
            watching = tasks.create_task(_watch(site.prometheus, fired))
            await asyncio.sleep(QUIET_S)
            begun = time.monotonic()
            async with asyncio.timeout(OPEN_FAULT_SECONDS_MAX) as opening, case.act(site):
                opening.reschedule(None)
                there = time.monotonic()
                await _wait(case, there, fired)
            watching.cancel()
            return case, Moments(begun, there, fired)


async def _watch(prometheus: Prometheus, fired: dict[str, float]) -> None:
    while True:
        for name in await prometheus.firing() - fired.keys():
            fired[name] = time.monotonic()
        await asyncio.sleep(POLL_S)


async def _wait(case: Case, there: float, fired: dict[str, float]) -> None:
    """Until all that should have fired, or could no longer be in time; and a while longer."""
    stated = stated_seconds()
    last = there + max([0.0, *(stated[name] + GRACE_S for name in case.raises)])
    while time.monotonic() < last and not case.raises <= fired.keys():  # noqa: ASYNC110 - another task fills it
        await asyncio.sleep(POLL_S)
    await asyncio.sleep(max(AFTER_S, there + case.watch_s - time.monotonic()))


def _tell(case: Case, moments: Moments) -> bool:
    wrong = complaints(case, moments, stated_seconds())
    times = ", ".join(f"{name} after {at - moments.there:.0f} s" for name, at in sorted(moments.fired.items()))
    lines = [
        f"{'FAILED  ' if wrong else 'ok      '} {case.name}: {times or 'no alert'}",
        *(f"           {text}" for text in wrong),
    ]
    print(*lines, sep="\n", flush=True)  # noqa: T201 - a command speaks
    return not wrong


async def _run(chosen: list[Case], jobs: int) -> bool:
    stop, places, good = StopSignal(), asyncio.Semaphore(jobs), []

    async def one(case: Case) -> None:
        async with places:
            try:
                good.append(_tell(*await _try(case, stop)))
            except* (RoleFailed, TimeoutError, Interrupted) as error:
                print(f"FAILED   {case.name}: {error.exceptions}", flush=True)  # noqa: T201 - a command speaks
                good.append(False)

    async with asyncio.TaskGroup() as tasks:
        trying = [tasks.create_task(one(case)) for case in chosen]
        ending = tasks.create_task(_end(stop, trying))
        await asyncio.wait(trying)
        ending.cancel()
    return all(good) and len(good) == len(chosen) > 0


async def _end(stop: StopSignal, trying: list[asyncio.Task[None]]) -> None:
    """On Ctrl-C or SIGTERM leave every case as it is, and end its processes."""
    await stop.wait()
    for task in trying:
        task.cancel()


def main(
    only: Annotated[str, typer.Option(help="Cases whose name holds one of these, with commas between.")] = "",
    jobs: Annotated[int, typer.Option(help="Markets at the same time.", min=1, max=8)] = 3,
    healthy: Annotated[
        float, typer.Option(help="Seconds for which a market without faults is watched.", min=0)
    ] = 120.0,
) -> None:
    """Try every alert; see the module's first lines."""
    chosen = [case for case in cases(healthy) if any(words in case.name for words in only.split(","))]
    raise typer.Exit(0 if asyncio.run(_run(chosen, jobs)) else 1)


if __name__ == "__main__":
    typer.run(main)
