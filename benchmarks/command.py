"""The command line that all benchmarks have in common: `[--json FILE] [--update DOCUMENT] [--tiny]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from benchmarks.measure import FULL, TINY, Effort, machine
from benchmarks.table import Table, as_json, as_markdown, placed

Benchmark: TypeAlias = Callable[[Effort], list[Table]]


def run(benchmarks: Mapping[str, Benchmark], arguments: Sequence[str] | None = None) -> None:
    """
    Run benchmarks and print their tables.

    Args:
        benchmarks: Module names and what they measure.
        arguments: Of the command line; None takes the process's.
    """
    options = _parser().parse_args(arguments)
    effort = TINY if options.tiny else FULL
    where = machine()
    results = [(f"python -m {name}", table) for name, measure in benchmarks.items() for table in measure(effort)]
    written = [(table.name, as_markdown(table, command, where)) for command, table in results]
    sys.stdout.write("\n".join(text for _, text in written))
    if options.json:
        content = {"machine": where, "tables": [{"command": by, **as_json(table)} for by, table in results]}
        options.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.update:
        document = options.update.read_text(encoding="utf-8")
        options.update.write_text(placed(document, written), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure what the protocol's choices cost and save.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too, times in ns")
    parser.add_argument("--update", type=Path, metavar="DOCUMENT", help="put the tables into their places there")
    parser.add_argument("--tiny", action="store_true", help="only see that it runs; the figures mean nothing")
    return parser
