"""`python -m benchmarks.accounts [--base FOLDER]`: the engine with and without accounts, in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.accounts.one_run import OFF
from benchmarks.command import parser, progress, tell
from benchmarks.measure import machine, spread
from benchmarks.table import Cell, Table

ROOT: Final = Path(__file__).parents[2]
TURNS: Final = 9
COMMANDS: Final = 100_000
TINY_COMMANDS: Final = 3_000
RUN_S: Final = 120
ON: Final = "accounts"


def measure(turns: int, commands: int, base: Path | None) -> Table:
    """Return one row for each build and mode; all take turns, so that a slow minute is everybody's."""
    contestants = {"without accounts": (ROOT, OFF), "accounts, limits of three scopes, a collar": (ROOT, ON)}
    if base is not None:
        contestants = {"the build before": (base, OFF), **contestants}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(turns):
        progress(f"turn {turn + 1} of {turns}")
        for name, (root, mode) in contestants.items():
            times[name].append(_run(root, mode, commands))
    first = next(iter(times))
    rows: list[list[Cell]] = [
        [name, spread(found), _ratio(times[first], found), _least_ratio(times[first], found)]
        for name, found in times.items()
    ]
    title = (
        f"The engine with its packets, {commands:,} commands of 1,000 users (a quarter cancels, one limit in ten "
        f"crosses), in {turns} turns. User CPU µs a command; commands a second beside the first row's: the median of "
        "the turns' ratios, and the ratio of each one's fastest turn."
    )
    return Table("accounts", title, ["engine", "µs", "ratio", "ratio of the fastest"], rows)


def _run(root: Path, mode: str, commands: int) -> float:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "clients/python")])}
    command = [sys.executable, "-P", str(Path(__file__).parent / "one_run.py"), mode, str(commands)]
    done = subprocess.run(command, cwd=root, env=environment, check=True, timeout=RUN_S, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout)


def _ratio(first: list[float], found: list[float]) -> str:
    return f"{statistics.median(a / b for a, b in zip(first, found, strict=True)):.3f}"


def _least_ratio(first: list[float], found: list[float]) -> str:
    return f"{min(first) / min(found):.3f}"


def _options() -> ArgumentParser:
    options = parser("Measure what accounts cost the engine.")
    options.add_argument("--base", type=Path, help="folder of another build, which takes turns too")
    options.add_argument("--turns", type=int, default=TURNS)
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    options = _options().parse_args(arguments)
    where = machine()
    turns, commands = (1, TINY_COMMANDS) if options.tiny else (options.turns, COMMANDS)
    tell([("python -m benchmarks.accounts", measure(turns, commands, options.base))], where, options)


if __name__ == "__main__":
    main()
