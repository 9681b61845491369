"""All contestants on one flow, in turns: run 1 of each, then run 2 of each, so that a slow minute hits everybody."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from benchmarks.command import progress
from benchmarks.engine.contestant import Standing
from benchmarks.engine.contestants.openoutcry import Book
from benchmarks.engine.flow import Row
from benchmarks.engine.peers import COMPILED, OWN, PEERS, Absent, compiled_first, python_of
from benchmarks.measure import Spread, spread
from services.matching.__main__ import COLLECTOR_THRESHOLDS

ROOT: Final = Path(__file__).parents[2]
SECONDS_MAX: Final = 3.0
"""CPU time of one contestant's whole flow; who needs longer is judged by what it has done till then."""
RUN_S: Final = 120.0
"""How long one process may take; beyond it the benchmark ends with an error."""
OURS: Final = {
    "book": "OrderBook alone",
    "book-1": "OrderBook, change and digest after each command",
    "book-128": "OrderBook, change and digest after each 128",
    "engine-1": "Engine, a packet for each command",
    "engine-128": "Engine, a packet for each 128",
}
OURS_COMPILED: Final = {
    "compiled-book": "OrderBook, compiled: alone",
    "compiled-book-1": "OrderBook, compiled: change and digest after each command",
    "compiled-book-128": "OrderBook, compiled: change and digest after each 128",
    "compiled-engine-1": "Engine, compiled: a packet for each command",
    "compiled-engine-128": "Engine, compiled: a packet for each 128",
}


class Stopped(Exception):
    """
    A contestant ended with an error.

    Args:
        name: Of the contestant.
        flow: Name of the flow.
        output: What it wrote, ending with the error.
    """

    def __init__(self, name: str, flow: str, output: str) -> None:
        super().__init__(f"{name} on {flow}:\n{output}")
        self.reason = output.rpartition("\n")[2]


class Racer(NamedTuple):
    """Who runs, and in which Python."""

    name: str
    """As `runner.contestant` knows it."""
    python: Path


class Score(NamedTuple):
    """What several runs of one contestant gave."""

    name: str
    python: str
    """Version of the interpreter."""
    version: str
    """Of the package."""
    commands: int
    """Done in a run: all, or what SECONDS_MAX allowed."""
    left_out: int
    """Commands of kinds that it cannot do."""
    rate: Spread
    """Commands a CPU second."""
    p50_us: Spread
    """Of a command alone, by the wall clock."""
    p99_us: Spread
    kinds: str
    """Of commands that it can do."""
    standing: Standing
    """After the last run."""


def racers() -> tuple[list[Racer], list[Absent]]:
    """Return who can run here, and who cannot: ours in this Python and in the peers', the peers in theirs."""
    found, absent = [Racer(name, Path(sys.executable)) for name in OURS], []
    for name in PEERS:
        python = python_of(name)
        if isinstance(python, Absent):
            absent.append(python)
        elif name == COMPILED:
            found += [Racer(level, python) for level in OURS_COMPILED]
        elif name != OWN:
            found.append(Racer(name, python))
        elif _version(python) != platform.python_version():
            found += [Racer(level, python) for level in OURS]
    return found, absent


def race(flow: Path, contestants: Sequence[Racer], runs: int) -> tuple[list[Score], list[Absent]]:
    """
    Run each contestant this many times over a flow, in turns.

    Returns:
        What they gave, and the peers that an error of their own stopped on this flow.

    Raises:
        Stopped: If one of ours was stopped.
    """
    results: dict[Racer, list[dict[str, Any]]] = {racer: [] for racer in contestants}
    stopped: dict[Racer, Absent] = {}
    for run in range(1, runs + 1):
        progress(f"{flow.stem}, run {run} of {runs}")
        for racer in [racer for racer in contestants if racer not in stopped]:
            try:
                results[racer].append(_run(racer, flow))
            except Stopped as error:
                if racer.name in OURS or racer.name in OURS_COMPILED:
                    raise
                stopped[racer] = Absent(racer.name, f"stopped by an error of its own: {error.reason}")
    scores = [_score(racer, found) for racer, found in results.items() if racer not in stopped]
    return scores, list(stopped.values())


def expected(rows: Sequence[Row], score: Score) -> Standing:
    """Return what our book is left with after the very commands that a contestant did."""
    book = Book()
    book.play(book.prepare([row for row in rows if row.kind in score.kinds][: score.commands]))
    return book.standing()


def _run(racer: Racer, flow: Path) -> dict[str, Any]:
    thresholds = [str(threshold) for threshold in COLLECTOR_THRESHOLDS]
    command = [
        *(str(racer.python), "-m", "benchmarks.engine.runner", racer.name, str(flow)),
        *("--seconds-max", str(SECONDS_MAX), "--thresholds", *thresholds),
    ]
    surroundings = compiled_first(racer.python) if racer.name in OURS_COMPILED else None
    done = subprocess.run(  # noqa: S603 - our own program
        command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=RUN_S, check=False
    )
    if done.returncode:
        raise Stopped(racer.name, flow.stem, done.stderr.strip())
    return cast("dict[str, Any]", json.loads(done.stdout))


def _score(racer: Racer, results: Sequence[dict[str, Any]]) -> Score:
    last = results[-1]
    return Score(
        racer.name,
        last["python"],
        last["version"],
        last["commands"],
        last["left_out"],
        spread(result["commands"] / result["seconds"] for result in results),
        spread(result["p50_ns"] / 1000 for result in results),
        spread(result["p99_ns"] / 1000 for result in results),
        last["kinds"],
        Standing(*(last[field] for field in Standing._fields)),
    )


def _version(python: Path) -> str:
    asked = [str(python), "-c", "import platform; print(platform.python_version())"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=RUN_S)  # noqa: S603 - a Python
    return done.stdout.strip()
