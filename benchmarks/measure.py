"""The one runner: CPU time of a call, as the median of several runs with its spread, and on which machine.

CPU time of this thread, not elapsed time, so that a neighbour on the same machine disturbs less. It still does: caches
and clock speed are shared, which is what the spread shows.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

CALLS_MAX: Final = 1 << 20
"""Calls in one run; even the shortest action fills `Effort.run_s` with fewer."""


class Effort(NamedTuple):
    """How much to measure."""

    runs: int = 9
    """Of each action; the median is reported."""
    run_s: float = 0.003
    """CPU time of one run, in seconds, at least."""
    share: float = 1.0
    """Of the full number of cases, where cases are counted rather than timed."""

    def cases(self, full: int, at_least: int = 1) -> int:
        """Return how many cases of a full number to take."""
        return max(at_least, round(full * self.share))


FULL: Final = Effort()
TINY: Final = Effort(runs=1, run_s=0.0, share=0.001)
"""Enough to see that a benchmark runs; its figures mean nothing."""


class Timing(NamedTuple):
    """CPU time of one call, over several runs, in ns."""

    median_ns: float
    low_ns: float
    """First quartile of the runs."""
    high_ns: float
    """Third quartile of the runs."""

    def per(self, parts: int) -> Timing:
        """Return the time of one of several equal parts of the call."""
        return Timing(self.median_ns / parts, self.low_ns / parts, self.high_ns / parts)

    @property
    def spread_ns(self) -> float:
        """Half the distance between the quartiles."""
        return (self.high_ns - self.low_ns) / 2


class Spread(NamedTuple):
    """A quantity of any unit, over several runs."""

    median: float
    low: float
    """First quartile of the runs."""
    high: float
    """Third quartile of the runs."""


def spread(values: Iterable[float]) -> Spread:
    """Return the median and the quartiles of at least one value."""
    found = sorted(values)
    if len(found) == 1:
        return Spread(found[0], found[0], found[0])
    low, median, high = statistics.quantiles(found, n=4, method="inclusive")
    return Spread(median, low, high)


def time_call(action: Callable[[], object], effort: Effort) -> Timing:
    """Measure a call that may be repeated, with the garbage collector off."""
    calls = _calls(action, effort.run_s)
    collecting = gc.isenabled()
    gc.disable()
    try:
        return Timing(*spread(_run(action, calls) / calls for _ in range(effort.runs)))
    finally:
        if collecting:
            gc.enable()


def in_new_process(measure: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a module's function returns in a process that has done nothing else, its memory untouched."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, *args, **kwargs).result()


def machine() -> str:
    """Return one line on where and with what was measured, the load of the moment included."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("msgpack", "protobuf"))
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release().partition('-')[0]}; "
        f"CPython {platform.python_version()}, {packages}, zlib {zlib.ZLIB_RUNTIME_VERSION}; "
        f"load average {os.getloadavg()[0]:.1f} at the start; {time.strftime('%Y-%m-%d', time.gmtime())}"
    )


def _run(action: Callable[[], object], calls: int) -> int:
    began = time.thread_time_ns()
    for _ in repeat(None, calls):
        action()
    return time.thread_time_ns() - began


def _calls(action: Callable[[], object], run_s: float) -> int:
    """Return how many calls fill a run; also warms the caches."""
    calls = 1
    while (taken := _run(action, calls)) < run_s * 1e9 and calls < CALLS_MAX:
        calls = max(2 * calls, min(CALLS_MAX, int(calls * run_s * 1e9 / max(taken, 1))))
    return calls


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
