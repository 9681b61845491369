"""
`make sim SEEDS=200` runs the first 200 seeds; `make sim SEED=17` runs one, and tells its last events.

With JOBS=2 two processes share the seeds. What is printed is the same for any number of them, but for the CPU time.
"""

# ruff: noqa: T201 - a command prints
from __future__ import annotations

import argparse
import gc
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final

from services.matching.aio.settings import Durability
from tests.simulation import parts
from tests.simulation.parts import Patch
from tests.simulation.simulation import Result, simulate

FINDINGS_TOLD_MAX: Final = 20
"""Findings whose last events are printed; of more of them only the seed and what is wrong."""
SEEDS_A_TURN: Final = 5
"""Seeds that a process of several gets at a time."""


def main() -> int:
    """Run; the exit status is 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="make sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many to run")
    parser.add_argument("--first", type=int, default=1, help="where to begin")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the seeds")
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--only", action="append", default=[], help="a kind of fault; without any, all")
    parser.add_argument("--durability", choices=["process", "replica"], default="process", help="of the engines")
    options = parser.parse_args()
    run = partial(_run, only=options.only, durability=Durability(options.durability))
    if options.seed is not None:
        result = run(options.seed)
        print(_report(result, options) if result.finding else _told(result))
        return bool(result.finding)
    summary = Summary()
    seeds = range(options.first, options.first + options.seeds)
    for result in _results(run, seeds, options.jobs):
        summary.add(result)
        if result.finding:
            print(_report(result, options) if summary.findings <= FINDINGS_TOLD_MAX else _line(result), flush=True)
        if sys.stderr.isatty():
            print(f"\r{summary.seeds} of {len(seeds)} seeds, {summary.findings} findings ", end="", file=sys.stderr)
    print(summary)
    return bool(summary.findings)


def _run(seed: int, only: list[str], durability: Durability) -> Result:
    patches: list[Patch] = [(parts, "MATCHING", parts.DURABLE)] if durability is Durability.REPLICA else []
    return simulate(seed, patches, only)


def _results(run: partial[Result], seeds: range, jobs: int) -> Iterator[Result]:
    """Give results in the order of their seeds, whoever has run them."""
    if jobs == 1:
        gc.freeze()  # what was imported is here to stay
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=gc.freeze) as pool:
        yield from pool.map(run, seeds, chunksize=SEEDS_A_TURN)


class Summary:
    """What many runs come to."""

    def __init__(self) -> None:
        self.seeds = self.findings = 0
        self._counts: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()
        self._virtual_s = 0.0
        self._converged_s: list[float] = []
        self._hash = hashlib.sha256()

    def add(self, result: Result) -> None:
        """Take the next result."""
        self.seeds += 1
        self.findings += bool(result.finding)
        self._counts += result.counts
        for name in ("steps", "acknowledged", "lost", "epochs"):
            self._sums[name] += getattr(result, name)
        self._virtual_s += result.virtual_s
        self._converged_s.append(result.converged_s)
        self._hash.update(result.trace.encode())

    def __str__(self) -> str:
        sums, converged = self._sums, sorted(self._converged_s)
        half, longest = converged[len(converged) // 2], converged[-1]
        cpu_s = sum(os.times()[:4])
        virtual_h = self._virtual_s / 3600
        lost = f"of these lost with a new epoch {sums['lost']:,}; epochs {sums['epochs']:,}"
        return "\n".join(
            [
                *(f"  {number:>6}  {kind}" for kind, number in sorted(self._counts.items())),
                f"seeds {self.seeds}, steps {sums['steps']:,}, virtual {virtual_h:.2f} h, CPU {cpu_s:.0f} s",
                f"acknowledged orders {sums['acknowledged']:,}, {lost}",
                f"at rest after the last fault: p50 {half:.2f} s, max {longest:.2f} s (virtual)",
                f"all events: {self._hash.hexdigest()[:16]}",
                f"findings {self.findings}",
            ]
        )


def _report(result: Result, options: argparse.Namespace) -> str:
    words = [f" DURABILITY={options.durability}" if options.durability != "process" else ""]
    words += [f' ONLY="{kind}"' for kind in options.only]
    return f"\n{result.report()}{''.join(words)}\n"


def _line(result: Result) -> str:
    return f"seed {result.seed}: {result.finding}"


def _told(result: Result) -> str:
    lines = [
        f"{name:<16} {value}" for name, value in result._asdict().items() if name not in ("finding", "tail", "counts")
    ]
    return "\n".join([*lines, *(f"  {number:>3}  {kind}" for kind, number in sorted(result.counts.items()))])


if __name__ == "__main__":
    sys.exit(main())
