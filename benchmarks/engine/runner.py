"""`python -m benchmarks.engine.runner CONTESTANT FLOW`: one contestant, one flow, once; in its own environment.

First the whole flow against CPU time, then, with a contestant that has seen nothing, each command alone against the
wall clock, because a thread's CPU clock costs about as much as a command. The collector is set as the engine's
process sets it, for everybody: what is made before the time runs is frozen, and young objects are looked at rarely.
Imports nothing but the standard library until the contestant is chosen.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.engine.contestant import Contestant
from benchmarks.engine.flow import Row, read_flow

SLICE: Final = 256
"""Commands between two looks at the time limit; a multiple of every batch that a contestant makes."""


def contestant(name: str) -> Callable[[], Contestant]:  # noqa: PLR0911 - one line a contestant
    """Return what makes a contestant; imports its package."""
    # ruff: noqa: PLC0415 - each package is in its own environment only
    match name:
        case "book" | "book-1" | "book-128" | "engine-1" | "engine-128":
            from benchmarks.engine.contestants.openoutcry import Book, Market

            level, _, each = name.partition("-")
            return lambda: Market(int(each)) if level == "engine" else Book(int(each or 0))
        case "compiled-book" | "compiled-book-1" | "compiled-book-128" | "compiled-engine-1" | "compiled-engine-128":
            from services.matching.book import order_book

            if order_book.__file__.endswith(".py"):
                raise ImportError(f"not compiled: {order_book.__file__}")
            return contestant(name.removeprefix("compiled-"))
        case "matching-engine":
            from benchmarks.engine.contestants import matching_engine

            return matching_engine.Peer
        case "order-matching":
            from benchmarks.engine.contestants import order_matching

            return order_matching.Peer
        case "lightmatchingengine":
            from benchmarks.engine.contestants import lightmatchingengine

            return lightmatchingengine.Peer
        case "limit-order-book":
            from benchmarks.engine.contestants import limit_order_book

            return limit_order_book.Peer
        case "fastlob":
            from benchmarks.engine.contestants import fastlob

            return fastlob.Peer
        case "liquibook":
            from benchmarks.engine.contestants import liquibook

            return liquibook.Peer
    raise ValueError(f"no contestant {name!r}")


def measured(make: Callable[[], Contestant], rows: Sequence[Row], seconds_max: float) -> dict[str, Any]:
    """
    Run a flow through a contestant twice.

    Args:
        make: Makes it.
        rows: The flow.
        seconds_max: CPU time after which the whole flow is given up and the part that was done counts.
    """
    subject = make()
    given = [row for row in rows if row.kind in subject.kinds]
    parts = _parts(subject.prepare(given))
    _freeze()
    done, seconds = 0, 0.0
    for part in parts:
        began = time.process_time()
        subject.play(part)
        seconds += time.process_time() - began
        done += len(part)
        if seconds > seconds_max:
            break
    standing = subject.standing()
    times = sorted(_times(make(), given[:done]))
    return {
        "python": platform.python_version(),
        "version": subject.version,
        "kinds": subject.kinds,
        "left_out": len(rows) - len(given),
        "commands": done,
        "seconds": seconds,
        "p50_ns": times[len(times) // 2],
        "p99_ns": times[len(times) * 99 // 100],
        **standing._asdict(),
    }


def _times(subject: Contestant, rows: Sequence[Row]) -> list[int]:
    apply, clock = subject.apply, time.perf_counter_ns
    commands = subject.prepare(rows)
    _freeze()
    times = []
    for command in commands:
        began = clock()
        apply(command)
        times.append(clock() - began)
    subject.standing()  # fastlob has a thread that ends only when its book is closed
    return times


def _parts(commands: list[Any]) -> list[list[Any]]:
    return [commands[first : first + SLICE] for first in range(0, len(commands), SLICE)]


def _freeze() -> None:
    gc.collect()
    gc.freeze()


def main() -> None:
    """Read the arguments, run, and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestant")
    parser.add_argument("flow", type=Path)
    parser.add_argument("--seconds-max", type=float, required=True)
    parser.add_argument("--thresholds", type=int, nargs=3, required=True, help="of the garbage collector")
    options = parser.parse_args()
    gc.set_threshold(*options.thresholds)
    result = measured(contestant(options.contestant), read_flow(options.flow), options.seconds_max)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001 - the top of the process; a thread that a package left behind must not keep it
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
