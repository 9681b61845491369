"""`make sim SEEDS=200` runs the first 200 seeds; `make sim SEED=17` runs one, and tells its last events."""

# ruff: noqa: T201 - a command prints
from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.simulation import Result, simulate


def main() -> int:
    """Run; the exit status is 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="make sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many to run")
    parser.add_argument("--first", type=int, default=1, help="where to begin")
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--only", action="append", default=[], help="a kind of fault; without any, all")
    options = parser.parse_args()
    if options.seed is not None:
        result = simulate(options.seed, only=options.only)
        print(result.report() if result.finding else _told(result))
        return bool(result.finding)
    return _run_all(range(options.first, options.first + options.seeds), options.only)


def _run_all(seeds: range, only: list[str]) -> int:
    results: list[Result] = []
    began = time.process_time()
    for seed in seeds:
        result = simulate(seed, only=only)
        results.append(result)
        if result.finding:
            print(f"\n{result.report()}\n", flush=True)
        if sys.stderr.isatty():
            print(f"\r{len(results)} of {len(seeds)} seeds, {_findings(results)} findings ", end="", file=sys.stderr)
    print(_summary(results, time.process_time() - began))
    return bool(_findings(results))


def _findings(results: list[Result]) -> int:
    return sum(bool(result.finding) for result in results)


def _told(result: Result) -> str:
    lines = [
        f"{name:<16} {value}" for name, value in result._asdict().items() if name not in ("finding", "tail", "counts")
    ]
    return "\n".join([*lines, *(f"  {number:>3}  {kind}" for kind, number in sorted(result.counts.items()))])


def _summary(results: list[Result], cpu_s: float) -> str:
    counts: Counter[str] = sum((result.counts for result in results), Counter())
    converged = sorted(result.converged_s for result in results)
    lines = [f"  {number:>6}  {kind}" for kind, number in sorted(counts.items())]
    steps, virtual_s = sum(result.steps for result in results), sum(result.virtual_s for result in results)
    lost, epochs = sum(result.lost for result in results), sum(result.epochs for result in results)
    acknowledged = sum(result.acknowledged for result in results)
    half, longest = converged[len(converged) // 2], converged[-1]
    lines.append(f"seeds {len(results)}, steps {steps:,}, virtual {virtual_s / 3600:.2f} h, CPU {cpu_s:.0f} s")
    lines.append(f"acknowledged orders {acknowledged:,}, of these lost with a new epoch {lost:,}; epochs {epochs:,}")
    lines.append(f"at rest after the last fault: p50 {half:.2f} s, max {longest:.2f} s (virtual)")
    lines.append(f"findings {_findings(results)}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
