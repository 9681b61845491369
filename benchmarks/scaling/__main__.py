"""`python -m benchmarks.scaling [--only users,…] [--runs N] [--seconds S]`: measure the curves."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Final

from benchmarks.command import parser, progress, some_of, tell
from benchmarks.fan_out.build import NoCompiler
from benchmarks.market_run import Setting, open_market
from benchmarks.measure import machine
from benchmarks.scaling import orders
from benchmarks.scaling.curve import CURVES, Curve, Sight, tiny
from benchmarks.table import Table
from outcry.stack.aio.stop_signal import Interrupted

NAMES: Final = [*CURVES, orders.NAME]
RUNS: Final = 3
SECONDS: Final = 3.0
TINY_SECONDS: Final = 0.3


def measure(curve: Curve, runs: int, seconds: float) -> Table:
    """Measure one curve, a new market at each of its values; the users must agree with the feed at the end of each."""
    sights = {}
    for x, setting in curve.settings.items():
        progress(f"scaling: {x} {curve.axis}")
        sights[x] = asyncio.run(_see(setting, runs, seconds))
    return curve.table(sights)


def _measure(name: str, runs: int, seconds: float, *, is_tiny: bool) -> Table:
    if name == orders.NAME:
        return orders.measure(runs, seconds, [200], 10) if is_tiny else orders.measure(runs, seconds)
    return measure(tiny(CURVES[name]) if is_tiny else CURVES[name], runs, seconds)


async def _see(setting: Setting, runs: int, seconds: float) -> Sight:
    async with open_market(setting) as run:
        points = [await run.look(seconds) for _ in range(runs)]
        await run.settle()
        return Sight(run.open_s, points)


def _options() -> ArgumentParser:
    options = parser("Measure what grows how.")
    options.add_argument("--only", type=some_of(NAMES), default=NAMES, metavar="CURVE,…", help=", ".join(NAMES))
    options.add_argument("--runs", type=int, default=RUNS, help="looks at each market")
    options.add_argument("--seconds", type=float, default=SECONDS, help="of each look")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line says; 2 if there is no C compiler, 130 after Ctrl-C."""
    options = _options().parse_args(arguments)
    runs, seconds = (1, TINY_SECONDS) if options.tiny else (options.runs, options.seconds)
    where = machine()
    try:
        tables = [_measure(name, runs, seconds, is_tiny=options.tiny) for name in options.only]
    except NoCompiler as error:
        sys.stderr.write(f"scaling: nothing can be measured: {error}\n")
        return 2
    except Interrupted:
        return 130
    tell([("python -m benchmarks.scaling", table) for table in tables], where, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
