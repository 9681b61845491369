"""Tables of results: as Markdown for people, as JSON for programs, and in their places in a document."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from benchmarks.measure import Spread, Timing

WIDTH: Final = 120
"""Of a title's lines."""
Cell: TypeAlias = str | int | float | Timing | Spread
_PLACE: Final = re.compile(r"(?P<head><!-- table: (?P<name>[a-z0-9-]+) -->\n).*?(?P<foot><!-- end -->)", re.DOTALL)


class NoPlace(Exception):
    """The document has no place for a table that was measured."""


class Table(NamedTuple):
    """One table of results."""

    name: str
    """Of its place in a document: `<!-- table: NAME -->` … `<!-- end -->`."""
    title: str
    """What is measured, in one sentence."""
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    """Times are written in µs, as median ± half the distance between the quartiles; other spreads likewise."""


def as_markdown(table: Table, command: str, machine: str) -> str:
    """Write a table with the command that made it and where it ran."""
    lines = [
        textwrap.fill(f"{table.title} `{command}`", WIDTH, break_long_words=False, break_on_hyphens=False),
        "",
        _row(table.columns),
        _row(["---", *("---:" for _ in table.columns[1:])]),
        *(_row([_text(cell) for cell in row]) for row in table.rows),
        "",
        f"*{machine}*",
    ]
    return "\n".join(lines) + "\n"


def as_json(table: Table) -> dict[str, Any]:
    """Return a table for `json.dump`; times keep their quartiles, in ns."""
    rows = [[cell._asdict() if isinstance(cell, Timing | Spread) else cell for cell in row] for row in table.rows]
    return {"name": table.name, "title": table.title, "columns": list(table.columns), "rows": rows}


def from_json(content: Mapping[str, Any]) -> Table:
    """Return the table that `as_json` wrote."""
    rows = [[_cell(cell) for cell in row] for row in content["rows"]]
    return Table(content["name"], content["title"], content["columns"], rows)


def _cell(cell: Any) -> Cell:
    if isinstance(cell, dict):
        return Timing(**cell) if "median_ns" in cell else Spread(**cell)
    assert isinstance(cell, str | int | float), cell
    return cell


def place(documents: Sequence[Path], tables: Sequence[tuple[str, str]]) -> None:
    """
    Write tables into the places that documents have for them.

    Args:
        documents: Their paths.
        tables: Names and Markdown.

    Raises:
        NoPlace: Names the tables that no document has a place for; then nothing is written.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in documents}
    homes = {path: {found["name"] for found in _PLACE.finditer(text)} for path, text in texts.items()}
    missing = {name for name, _ in tables} - set().union(*homes.values())
    if missing:
        raise NoPlace(f"no <!-- table: … --> for {', '.join(sorted(missing))}")
    for path, text in texts.items():
        path.write_text(placed(text, [table for table in tables if table[0] in homes[path]]), encoding="utf-8")


def placed(document: str, tables: Iterable[tuple[str, str]]) -> str:
    """
    Return a document with tables in their places.

    Args:
        document: Its text, with a place for each table; other places are left as they are.
        tables: Names and Markdown.

    Raises:
        NoPlace: Names the tables that the document has no place for.
    """
    wanted = dict(tables)
    missing = wanted.keys() - {place["name"] for place in _PLACE.finditer(document)}
    if missing:
        raise NoPlace(f"no <!-- table: … --> for {', '.join(sorted(missing))}")

    def replaced(place: re.Match[str]) -> str:
        text = wanted.get(place["name"])
        return place[0] if text is None else f"{place['head']}{text}{place['foot']}"

    return _PLACE.sub(replaced, document)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(cell: Cell) -> str:
    match cell:
        case Timing():
            return f"{_number(cell.median_ns / 1000)} ± {_number(cell.spread_ns / 1000)}"
        case Spread():
            half = (cell.high - cell.low) / 2  # 0 of a single run, which has no spread
            return f"{_number(cell.median)} ± {_number(half)}" if half else _number(cell.median)
        case int():
            return f"{cell:,}"
        case float():
            return _number(cell)
        case _:
            return cell


def _number(value: float) -> str:
    """Three significant figures, never an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 or not value else f"{value:.3f}"
