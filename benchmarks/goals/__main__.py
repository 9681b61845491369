"""`python -m benchmarks.goals [--only NAME,…] [--runs N] [--results FILE]`: measure and judge every goal."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.command import parser, progress, some_of, tell
from benchmarks.fan_out.build import NoCompiler
from benchmarks.goals import rivals
from benchmarks.goals.connections import IDLE, OPENING
from benchmarks.goals.fan_out_speed import BURSTING, GROWTH, LATENCY, SLOW
from benchmarks.goals.goal import Goal, Trial, rows
from benchmarks.goals.order_path import ENTRY, ORDERS
from benchmarks.measure import machine
from benchmarks.table import Cell, Table
from outcry.stack.aio.stop_signal import Interrupted

OWN: Final = (GROWTH, LATENCY, ENTRY, BURSTING, ORDERS, IDLE, OPENING, SLOW)
"""Measured here; those of `rivals` are judged by the tables of others."""
RESULTS: Final = Path("docs/performance.json")
TINY: Final = Trial(runs=1, seconds=0.3, share=0.02)


def measure(goals: Sequence[Goal], trial: Trial) -> Table:
    """Measure goals one after the other, and judge them."""
    found: list[list[Cell]] = []
    for goal in goals:
        progress(f"goals: {goal.name}")
        found += rows(goal, goal.measure(trial))
    return Table(
        "goals",
        f"The goals: medians of {trial.runs} runs ± half the distance between the quartiles. What compares with others "
        "comes from the tables below, measured in the same run of `make bench`.",
        ["goal", "figure", "wanted", "measured", "verdict"],
        found,
    )


def chosen(only: Sequence[str], results: Path) -> list[Goal]:
    """Return the goals of these names, or all of them."""
    return [goal for goal in (*rivals.goals(rivals.read_results(results)), *OWN) if not only or goal.name in only]


def _options() -> ArgumentParser:
    options = parser("Measure and judge the goals.")
    known = [*(name for name, *_ in rivals.JUDGES), *(goal.name for goal in OWN)]
    options.add_argument("--only", type=some_of(known), default=[], metavar="NAME,…", help=", ".join(known))
    options.add_argument("--runs", type=int, default=Trial().runs, help="of everything (%(default)s)")
    options.add_argument("--seconds", type=float, default=Trial().seconds, help="of each look (%(default)s)")
    options.add_argument("--results", type=Path, default=RESULTS, help="tables of the peers (%(default)s)")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line says; 2 if there is no C compiler, 130 after Ctrl-C."""
    options = _options().parse_args(arguments)
    trial = TINY if options.tiny else Trial(options.runs, options.seconds)
    where = machine()
    try:
        table = measure(chosen(options.only, options.results), trial)
    except NoCompiler as error:
        sys.stderr.write(f"goals: nothing can be measured: {error}\n")
        return 2
    except Interrupted:
        return 130
    tell([("python -m benchmarks.goals", table)], where, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
