"""`python -m benchmarks`: all of them, each in a process of its own, as if it had been called alone."""

from __future__ import annotations

from typing import Final

from benchmarks import compression, digest, fan_out_encode, merging, messages, snapshot_or_delta
from benchmarks.command import Benchmark, run
from benchmarks.measure import Effort, in_new_process
from benchmarks.table import Table

ALL: Final[dict[str, Benchmark]] = {
    "benchmarks.messages": messages.measure,
    "benchmarks.snapshot_or_delta": snapshot_or_delta.measure,
    "benchmarks.merging": merging.measure,
    "benchmarks.digest": digest.measure,
    "benchmarks.compression": compression.measure,
    "benchmarks.fan_out_encode": fan_out_encode.measure,
}


def alone(measure: Benchmark) -> Benchmark:
    """Return the benchmark that does the same in a process of its own."""

    def measure_alone(effort: Effort) -> list[Table]:
        return in_new_process(measure, effort)

    return measure_alone


if __name__ == "__main__":
    run({name: alone(measure) for name, measure in ALL.items()})
