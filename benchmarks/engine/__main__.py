"""`python -m benchmarks.engine [--runs N] [--commands N]`: commands a second and latency, ours and the peers'."""

from __future__ import annotations

import subprocess
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.command import parser, progress, tell
from benchmarks.engine.contestant import Standing
from benchmarks.engine.flow import Row, read_flow, write_flow
from benchmarks.engine.peers import Absent, python_of
from benchmarks.engine.race import OURS, OURS_COMPILED, ROOT, RUN_S, SECONDS_MAX, Racer, Score, expected, race, racers
from benchmarks.engine.recorded import RECORDED, recorded
from benchmarks.engine.synthetic import synthetic
from benchmarks.measure import machine
from benchmarks.table import Cell, Table

SEED: Final = 1
RUNS: Final = 5
COMMANDS: Final = 100_000
TINY_COMMANDS: Final = 600
_OWN_GENERATOR: Final = "matching-engine"


class Flow(NamedTuple):
    """One flow to run everybody on."""

    name: str
    title: str
    write: Callable[[Path, int], Absent | None]
    """Writes at most this many commands to a file, or says why it cannot."""


def measure(runs: int, commands: int) -> list[Table]:
    """Return a table of figures and one of cross-checks for each flow that can be had here."""
    contestants, absent = racers()
    tables: list[Table] = []
    with tempfile.TemporaryDirectory() as folder:
        for flow in FLOWS:
            path = Path(folder) / f"{flow.name}.csv"
            skipped = flow.write(path, commands)
            if skipped is None:
                tables += _tables(flow, path, contestants, absent, runs)
            else:
                progress(f"flow {skipped.name} skipped: {skipped.reason}")
    return tables


def _tables(
    flow: Flow, path: Path, contestants: Sequence[Racer], absent: Sequence[Absent], runs: int
) -> tuple[Table, Table]:
    rows = read_flow(path)
    scores, stopped = race(path, contestants, runs)
    title = (
        f"{flow.title}, {len(rows):,} commands. Median of {runs} runs ± half the distance between the quartiles, "
        "contestants in turns. Commands a CPU second over the whole flow; p50 and p99 in µs of a command timed alone."
    )
    columns = ["contestant", "Python", "commands done", "commands/s", "p50 µs", "p99 µs"]
    figures = [[*_name(score), score.commands, score.rate, *_latency(score)] for score in scores]
    figures += [[name, reason, "", "", "", ""] for name, reason in (*absent, *stopped)]
    checks = [_check(rows, score) for score in scores]
    return (
        Table(f"engine-{flow.name}", title, columns, figures),
        Table(
            f"engine-{flow.name}-check",
            f"The same flow: each contestant's final state, against the order book given the very same commands. A "
            f"contestant that needs more than {SECONDS_MAX:g} CPU seconds is stopped. Commands of kinds that a package "
            "does not know are left out for it. Not all prevent self-trades, which only "
            "matching-engine's generator makes.",
            ["contestant", "left out", "trades", "orders resting", "lots bid", "lots offered", "differs in"],
            checks,
        ),
    )


def _name(score: Score) -> list[Cell]:
    return [(OURS | OURS_COMPILED).get(score.name, f"{score.name} {score.version}"), score.python]


def _latency(score: Score) -> list[Cell]:
    """What is told in batches has no time of a command alone."""
    return ["-", "-"] if score.name.endswith("-128") else [score.p50_us, score.p99_us]


def _check(rows: Sequence[Row], score: Score) -> list[Cell]:
    right = expected(rows, score)
    told = [_told(found) for found in score.standing]
    wrong = [
        f"{field} ({wanted:,} expected)"
        for field, found, wanted in zip(Standing._fields, score.standing, right, strict=True)
        if found is not None and found != wanted
    ]
    return [" ".join(str(cell) for cell in _name(score)), score.left_out, *told, ", ".join(wrong) or "nothing"]


def _told(value: int | None) -> Cell:
    return "not told" if value is None else value


def _write_synthetic(path: Path, commands: int) -> None:
    write_flow(path, synthetic(SEED, commands))


def _write_recorded(path: Path, commands: int) -> Absent | None:
    if not RECORDED.exists():
        return Absent("recorded", f"{RECORDED.name} does not lie beside the project")
    write_flow(path, recorded(RECORDED, commands))
    return None


def _write_own(path: Path, commands: int) -> Absent | None:
    python = python_of(_OWN_GENERATOR)
    if isinstance(python, Absent):
        return python._replace(name=f"of {_OWN_GENERATOR}")
    command = [str(python), "-m", "benchmarks.engine.own_flow", str(commands), str(path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=RUN_S)  # noqa: S603 - our own program
    return None


FLOWS: Final = (
    Flow("synthetic", "A seeded flow: 25 % cancels, 5 % market orders, one limit in ten crossing", _write_synthetic),
    Flow("recorded", "An hour of Nasdaq order flow in AAPL (LOBSTER)", _write_recorded),
    Flow("own-generator", "The flow of matching-engine's own generator", _write_own),
)


def _options() -> ArgumentParser:
    options = parser("Measure the order book and the engine beside their peers.")
    options.add_argument("--runs", type=int, default=RUNS, help="of each contestant on each flow")
    options.add_argument("--commands", type=int, default=COMMANDS, help="of each flow, at most")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    options = _options().parse_args(arguments)
    where = machine()
    tables = measure(1, TINY_COMMANDS) if options.tiny else measure(options.runs, options.commands)
    tell([("python -m benchmarks.engine", table) for table in tables], where, options)


if __name__ == "__main__":
    main()
