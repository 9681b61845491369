"""The command line that all benchmarks share: `[--json FILE] [--update DOCUMENT]… [--plots FOLDER] [--tiny]`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.measure import FULL, TINY, Effort, machine
from benchmarks.table import Table, as_json, as_markdown, place

Benchmark: TypeAlias = Callable[[Effort], list[Table]]


def run(benchmarks: Mapping[str, Benchmark], arguments: Sequence[str] | None = None) -> None:
    """
    Run benchmarks and print their tables.

    Args:
        benchmarks: Module names and what they measure.
        arguments: Of the command line; None takes the process's.
    """
    options = parser("Measure what the protocol's choices cost and save.").parse_args(arguments)
    effort = TINY if options.tiny else FULL
    where = machine()
    results = [(f"python -m {name}", table) for name, measure in benchmarks.items() for table in measure(effort)]
    tell(results, where, options)


def tell(results: Sequence[tuple[str, Table]], where: str, options: argparse.Namespace) -> None:
    """
    Print tables, and write them where the options say.

    Args:
        results: Each table with the command that made it.
        where: The machine, as `machine()` described it before anything was measured.
        options: What `parser` gave: `json`, `update` and `plots`.

    Raises:
        NoPlace: If documents are given, and none has a place for some table.
    """
    written = [(table.name, as_markdown(table, command, where)) for command, table in results]
    sys.stdout.write("\n".join(text for _, text in written))
    if options.json:
        save(options.json, [{"command": by, "machine": where, **as_json(table)} for by, table in results])
    if options.update:
        place(options.update, written)
    if options.plots:
        draw([table for _, table in results], options.plots)


def save(path: Path, tables: Iterable[dict[str, Any]]) -> None:
    """Write tables as JSON, in place of those of the same names that the file holds."""
    held = json.loads(path.read_text(encoding="utf-8"))["tables"] if path.exists() else []
    merged = {table["name"]: table for table in [*held, *tables]}
    content = json.dumps({"tables": list(merged.values())}, indent=1, ensure_ascii=False)
    path.write_text(content + "\n", encoding="utf-8")


def draw(tables: Iterable[Table], folder: Path) -> None:
    """Draw those tables that are curves."""
    from benchmarks.plots import PLOTS, write_plot  # noqa: PLC0415 - matplotlib takes a second to load

    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        if table.name in PLOTS:
            write_plot(table, folder)


def progress(text: str) -> None:
    """Say what is going on, with the time, on standard error."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has; one that has more adds its own."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--json", type=Path, metavar="FILE", help="write the results there too, times in ns")
    options.add_argument(
        "--update",
        type=Path,
        metavar="DOCUMENT",
        action="append",
        default=[],
        help="put the tables into their places there; may be given several times",
    )
    options.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the curves there, as SVG")
    options.add_argument("--tiny", action="store_true", help="only see that it runs; the figures mean nothing")
    return options


def some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a reader of an option `--only`: known names with commas between."""
    listed = list(known)

    def read(text: str) -> list[str]:
        found = [name.strip() for name in text.split(",") if name.strip()]
        if unknown := [name for name in found if name not in listed]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: must be some of {', '.join(listed)}")
        return found

    return read
