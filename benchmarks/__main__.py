"""`python -m benchmarks [--only NAME,…]`: all of them, each in a process of its own, as if it had been called alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import (
    batch_race,
    compression,
    digest,
    fairness,
    fan_out_encode,
    ledger_proofs,
    merging,
    messages,
    order_parts,
    redis_reads,
    replica,
    snapshot_or_delta,
    straight_writes,
)
from benchmarks.command import Benchmark, draw, parser, progress, save, some_of
from benchmarks.table import as_markdown, from_json, place

ALL: Final[dict[str, Benchmark]] = {
    "benchmarks.messages": messages.measure,
    "benchmarks.snapshot_or_delta": snapshot_or_delta.measure,
    "benchmarks.merging": merging.measure,
    "benchmarks.digest": digest.measure,
    "benchmarks.compression": compression.measure,
    "benchmarks.fan_out_encode": fan_out_encode.measure,
    "benchmarks.replica": replica.measure,
    "benchmarks.order_parts": order_parts.measure,
    "benchmarks.redis_reads": redis_reads.measure,
    "benchmarks.straight_writes": straight_writes.measure,
    "benchmarks.fairness": fairness.measure,
    "benchmarks.batch_race": batch_race.measure,
    "benchmarks.ledger_proofs": ledger_proofs.measure,
}
"""Those without the whole exchange: seconds each."""
MARKETS: Final = (
    "benchmarks.engine",
    "benchmarks.fan_out",
    "benchmarks.door",
    "benchmarks.scaling",
    "benchmarks.worst_commands",
    "benchmarks.flood",
    "benchmarks.checkpoint_pause",
    "benchmarks.ledger",
    "benchmarks.ledger.catch_up",
    "benchmarks.ledger.keep_up",
    "benchmarks.goals",
)
"""Those of whole processes, minutes each; some goals are judged by what came before them."""
SECONDS_MAX: Final = 1800.0
"""Of one of them; it is ended then, and counts as failed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, and write what was asked for; a failure leaves the others' results.

    Returns:
        How many failed.
    """
    options = _options().parse_args(arguments)
    chosen = [name for name in (*ALL, *MARKETS) if not options.only or name.partition(".")[2] in options.only]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        if options.json and options.json.exists():
            shutil.copy(options.json, results)  # goals may be judged by what an earlier run measured
        failed = [name for name in chosen if not _run(name, results, tiny=options.tiny)]
        if results.exists():
            commands = {f"python -m {name}" for name in chosen if name not in failed}
            _tell([table for table in _read(results) if table["command"] in commands], options)
    for name in failed:
        progress(f"{name} FAILED")
    return len(failed)


def _run(name: str, results: Path, *, tiny: bool) -> bool:
    """Run one of them, which writes its tables into the results; True if it did."""
    progress(name)
    told = [*(["--tiny"] if tiny else []), "--json", str(results)]
    if name == "benchmarks.goals":
        told += ["--results", str(results)]
    command = [sys.executable, "-m", name, *told]
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, timeout=SECONDS_MAX)  # noqa: PLW1510, S603
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _read(results: Path) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))["tables"]
    return tables


def _tell(found: Sequence[dict[str, Any]], options: Namespace) -> None:
    tables = [from_json(content) for content in found]
    written = [
        (table.name, as_markdown(table, content["command"], content["machine"]))
        for table, content in zip(tables, found, strict=True)
    ]
    sys.stdout.write("\n".join(text for _, text in written))
    if options.json:
        save(options.json, found)
    if options.update:
        place(options.update, written)
    if options.plots:
        draw(tables, options.plots)


def _options() -> ArgumentParser:
    options = parser("Measure everything.")
    known = [name.partition(".")[2] for name in (*ALL, *MARKETS)]
    options.add_argument("--only", type=some_of(known), default=[], metavar="NAME,…", help=", ".join(known))
    return options


if __name__ == "__main__":
    sys.exit(main())
