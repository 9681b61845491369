"""Plots of the scaling curves from their tables: `python -m benchmarks.plots docs/performance.json docs/plots`.

One SVG a curve, several panels side by side over the same axis. Two runs with the same figures give the same bytes:
no date, no random ids; letters stay letters, which keeps the files small.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from benchmarks.measure import Spread, Timing
from benchmarks.table import Cell, Table, from_json

PANEL_INCHES: Final = (3.6, 3.0)
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "openoutcry",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "legend.frameon": False,
}


class Panel(NamedTuple):
    """One set of axes."""

    label: str
    """Of the vertical axis, with its unit."""
    columns: tuple[str, ...]
    is_log: bool = False


class Plot(NamedTuple):
    """How a table is drawn."""

    label: str
    """Of the horizontal axis: the table's first column."""
    panels: tuple[Panel, ...]
    is_log: bool = True


_LATENCY: Final = Panel("publish to receipt, ms", ("p50 ms", "p99 ms"), is_log=True)
_CPU: Final = Panel("CPU s a second", ("gateways user", "gateways system", "engine"))
_DELIVERY: Final = Panel("gateways' CPU µs a frame", ("user µs a frame", "system µs a frame"))
_MEMORY: Final = Panel("RSS of a gateway, MiB", ("MiB a gateway",))
_BYTES: Final = Panel("MB a second", ("MB/s",), is_log=True)
_CONVEYED: Final = Panel("a second", ("conveyed/s", "frames/s"), is_log=True)

PLOTS: Final = {
    "scaling-users": Plot("users of one book", (_LATENCY, _CPU, _DELIVERY, _MEMORY)),
    "scaling-updates": Plot("book changes a second", (_LATENCY, _CONVEYED, _CPU, _BYTES)),
    "scaling-gateways": Plot("gateways", (_LATENCY, _CPU, _DELIVERY, _MEMORY), is_log=False),
    "scaling-depth": Plot(
        "levels a side", (Panel("all users open and whole, s", ("open s",), is_log=True), _LATENCY, _CPU, _MEMORY)
    ),
    "scaling-orders": Plot(
        "orders a second",
        (
            Panel("due to reply, ms", ("p50 ms", "p99 ms"), is_log=True),
            Panel("accepted a second", ("accepted/s",), is_log=True),
            Panel("CPU µs an order", ("gateways µs", "engine µs", "Redis µs")),
        ),
    ),
    "scaling-instruments": Plot("instruments, all followed by each user", (_LATENCY, _CPU, _BYTES, _MEMORY)),
}
"""Tables that are drawn, by name, and how."""


def write_plot(table: Table, folder: Path) -> Path:
    """Draw a table into `folder/NAME.svg`, and return the path."""
    plot = PLOTS[table.name]
    with mpl.rc_context(_STYLE):
        width, height = PANEL_INCHES
        figure = Figure(figsize=(width * len(plot.panels), height), layout="constrained")
        for number, panel in enumerate(plot.panels, start=1):
            _draw(figure.add_subplot(1, len(plot.panels), number), table, plot, panel)
        path = folder / f"{table.name}.svg"
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    return path


def _draw(axes: Axes, table: Table, plot: Plot, panel: Panel) -> None:
    x = [_number(row[0]) for row in table.rows]
    for column in panel.columns:
        place = table.columns.index(column)
        cells = [row[place] for row in table.rows]
        axes.plot(x, [_number(cell) for cell in cells], marker="o", markersize=3.5, label=column)
        axes.fill_between(x, [_low(cell) for cell in cells], [_high(cell) for cell in cells], alpha=0.2)
    axes.set_xlabel(plot.label)
    axes.set_ylabel(panel.label)
    if plot.is_log:
        axes.set_xscale("log")
    if panel.is_log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    else:
        axes.set_ylim(bottom=0)
    axes.set_xticks(x, minor=False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.minorticks_off()
    if len(panel.columns) > 1:
        axes.legend(loc="best", fontsize=8)


def _short(value: float) -> str:
    """Write a tick: 20000 as 20k."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _number(cell: Cell) -> float:
    match cell:
        case Spread():
            return cell.median
        case Timing():
            return cell.median_ns / 1000
        case str():
            raise ValueError(f"no number: {cell!r}")
        case _:
            return float(cell)


def _low(cell: Cell) -> float:
    return cell.low if isinstance(cell, Spread) else _number(cell)


def _high(cell: Cell) -> float:
    return cell.high if isinstance(cell, Spread) else _number(cell)


def main(arguments: Sequence[str]) -> None:
    """Draw the curves of a file of results."""
    results, folder = map(Path, arguments)
    folder.mkdir(parents=True, exist_ok=True)
    for content in json.loads(results.read_text(encoding="utf-8"))["tables"]:
        if content["name"] in PLOTS:
            sys.stdout.write(f"{write_plot(from_json(content), folder)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
