"""The plots of a load report, as SVG. Needs matplotlib (`pip install 'openoutcry-exchange[charts]'`)."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from outcry.load.report import Happening, LoadReport, Point

WIDTH_INCHES: Final = 7.4
HEIGHT_INCHES: Final = 3.5
BLUE: Final = "#1f5fa8"
ORANGE: Final = "#d9730d"
GREY: Final = "#8a8f98"
COLOURS: Final = (BLUE, ORANGE, "#2a8f5c", "#a83279", "#6b5bd1", "#b08900", "#3b8ea5", "#8c4a2f")
LINES: Final = ("-", "--", ":")
"""Gateways in balance lie on each other."""
STYLE: Final[dict[Any, Any]] = {  # matplotlib's own type lists every key
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e6ea",
    "axes.edgecolor": "#b6bcc4",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "svg.fonttype": "none",
}
MARK_POINTS: Final = 10
"""Height of a mark's line of words."""
MARK_LINES: Final = 4
"""Then they begin at the top again."""
LOG_STEPS: Final = (1, 2, 5)
PERCENTILE_TICKS: Final = (0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999)


def charts(report: LoadReport) -> list[str]:
    """Return all plots that the report has figures for, each an `<svg>` element, in the order of reading."""
    drawn = [
        latency_over_time(report.series, report.happenings),
        _percentiles(report),
        throughput(report.series, report.happenings),
        connections_over_time(report.series, report.happenings, report.users - report.slow_users),
        _balance(report.series, report.happenings),
        _hops(report.hops_ms),
        _cpu(report.cpu_seconds, report.seconds),
    ]
    if report.counts["orders_sent"]:
        drawn.insert(2, _orders(report.series, report.happenings))
    return drawn


def latency_over_time(series: Sequence[Point], happenings: Sequence[Happening]) -> str:
    """Draw p50, p99 and maximum of each step."""
    figure, axes = _figure("Delivery latency over time", "seconds since the measurement began", "ms (log)")
    times = [point.t for point in series]
    # Where nothing was delivered there is no delay, and no line.
    none = [not point.updates_per_s for point in series]
    for of, label, colour, width in (
        ("p50_ms", "p50", BLUE, 1.5),
        ("p99_ms", "p99", ORANGE, 1.5),
        ("max_ms", "max", GREY, 0.9),
    ):
        drawn = [
            math.nan if is_none else _above_zero(getattr(point, of))
            for point, is_none in zip(series, none, strict=True)
        ]
        axes.plot(times, drawn, color=colour, linewidth=width, label=label)
    _log_ms(axes)
    return _with_time(figure, axes, happenings, "latency")


def _percentiles(report: LoadReport) -> str:
    """Draw on HdrHistogram's axis: even steps of 1 / (1 - percentile)."""
    figure, axes = _figure("Latency by percentile", "percentile", "ms (log)")
    curves = {"delivery": report.latency_curve}
    if report.order_curves:
        curves["order, from its intended time"] = report.order_curves["accepted"]
        curves["order, from its sending (uncorrected)"] = report.order_curves["accepted_service"]
    furthest = 2.0
    for (label, curve), colour in zip(curves.items(), COLOURS, strict=False):
        places = [100 / (100 - percentile) for percentile, _ in curve]
        furthest = max([furthest, *places])
        axes.plot(places, [_above_zero(ms) for _, ms in curve], color=colour, label=label)
    axes.set_xscale("log")
    ticks = [tick for tick in PERCENTILE_TICKS if 100 / (100 - tick) <= furthest * 1.5]
    axes.xaxis.set_major_locator(FixedLocator([100 / (100 - tick) for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{100 - 100 / place:.6g}%"))
    _log_ms(axes)
    figure.legend(loc="outside lower center", ncols=3)
    return _svg(figure, "percentiles")


def throughput(series: Sequence[Point], happenings: Sequence[Happening]) -> str:
    """Draw what all users together were delivered."""
    figure, axes = _figure("Delivered, all users together", "seconds since the measurement began", "per second")
    times = [point.t for point in series]
    axes.plot(times, [point.updates_per_s for point in series], color=BLUE, label="book changes")
    axes.plot(times, [point.frames_per_s for point in series], color=ORANGE, label="frames")
    _from_zero(axes)
    return _with_time(figure, axes, happenings, "throughput")


def connections_over_time(series: Sequence[Point], happenings: Sequence[Happening], readers: int) -> str:
    """Draw who was connected, and who in sync."""
    figure, axes = _figure("Connections", "seconds since the measurement began", "users")
    times = [point.t for point in series]
    axes.plot(times, [point.connections for point in series], color=BLUE, label="connected, slow users included")
    axes.plot(
        times,
        [point.whole for point in series],
        color=ORANGE,
        linestyle="--",
        label=f"in sync, of {readers:,} who read",
    )
    _from_zero(axes)
    return _with_time(figure, axes, happenings, "connections")


def _balance(series: Sequence[Point], happenings: Sequence[Happening]) -> str:
    figure, axes = _figure("Connections by gateway", "seconds since the measurement began", "connections")
    gateways = len(series[0].per_gateway) if series else 0
    for gateway in range(gateways):
        axes.plot(
            [point.t for point in series],
            [point.per_gateway[gateway] for point in series],
            color=COLOURS[gateway % len(COLOURS)],
            linestyle=LINES[gateway % len(LINES)],
            label=f"gateway {gateway + 1}",
        )
    _from_zero(axes)
    return _with_time(figure, axes, happenings, "balance")


def _orders(series: Sequence[Point], happenings: Sequence[Happening]) -> str:
    figure, axes = _figure("Orders", "seconds since the measurement began", "orders and cancels a second")
    times = [point.t for point in series]
    axes.plot(times, [point.orders_per_s for point in series], color=BLUE, label="sent a second")
    _from_zero(axes)
    right = axes.twinx()
    right.plot(times, [point.order_p99_ms for point in series], color=ORANGE, label="p99 to acceptance, ms (right)")
    right.set_ylabel("ms")
    right.set_ylim(bottom=0)
    right.grid(visible=False)
    right.spines["top"].set_visible(False)
    axes.set_zorder(right.get_zorder() + 1)  # The marks of what happened stand above both.
    axes.patch.set_visible(False)
    lines = [*axes.get_lines(), *right.get_lines()]
    _mark(axes, happenings)
    figure.legend(lines, [str(line.get_label()) for line in lines], loc="outside lower center", ncols=2)
    return _svg(figure, "orders")


def price_over_time(prices: Sequence[tuple[float, float]], happenings: Sequence[Happening], name: str) -> str:
    """Draw a price in its currency; `prices` are (second, price)."""
    figure, axes = _figure(f"Price of {name}: the middle of bid and ask", "seconds since the measurement began", "")
    axes.plot([t for t, _ in prices], [price for _, price in prices], color=BLUE)
    axes.margins(y=0.2)
    return _with_time(figure, axes, happenings, "price")


def _hops(hops: Mapping[str, object]) -> str:
    figure, axes = _figure("Where the time goes: p50 and p99 by hop", "ms (log)", "")
    told = {hop: figures for hop, figures in hops.items() if isinstance(figures, Mapping) and figures["count"]}
    places = range(len(told))
    for place, figures in zip(places, told.values(), strict=True):
        p50, p99 = _above_zero(figures["p50"]), _above_zero(figures["p99"])
        axes.plot([p50, p99], [place, place], color=GREY, linewidth=2, zorder=1)
        axes.scatter([p50], [place], color=BLUE, zorder=2, label="p50" if not place else None)
        axes.scatter([p99], [place], color=ORANGE, zorder=2, label="p99" if not place else None)
    axes.set_yticks(list(places), list(told))
    axes.invert_yaxis()
    if told:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=LOG_STEPS))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        figure.legend(loc="outside lower center", ncols=2)
    return _svg(figure, "hops")


def _cpu(cpu_seconds: Mapping[str, float], seconds: float) -> str:
    figure, axes = _figure("CPU by role", "cores, mean over the measurement", "")
    cores = [used / seconds for used in cpu_seconds.values()]
    bars = axes.barh(range(len(cores)), cores, color=BLUE, height=0.6)
    axes.bar_label(bars, [f" {used:.2f}" for used in cores])
    axes.set_yticks(range(len(cores)), list(cpu_seconds))
    axes.invert_yaxis()
    axes.margins(x=0.12)
    return _svg(figure, "cpu")


def _figure(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
    return figure, axes


def _with_time(figure: Figure, axes: Axes, happenings: Sequence[Happening], name: str) -> str:
    _mark(axes, happenings)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=4)
    return _svg(figure, name)


def _mark(axes: Axes, happenings: Sequence[Happening]) -> None:
    for place, happening in enumerate(happenings):
        axes.axvline(happening.t, color="#b3261e", linewidth=1, linestyle="--")
        axes.annotate(
            # One below the other: words are longer than the seconds between two of them.
            happening.deed, (happening.t, 1), xycoords=("data", "axes fraction"),
            xytext=(3, -3 - MARK_POINTS * (place % MARK_LINES)),
            textcoords="offset points", va="top", color="#b3261e", fontsize=8,
        )  # fmt: skip


def _log_ms(axes: Axes) -> None:
    if not math.isfinite(axes.dataLim.y0):
        return  # A logarithm has no place for nothing.
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=LOG_STEPS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _from_zero(axes: Axes) -> None:
    axes.set_ylim(0, max(1.0, axes.get_ylim()[1]) * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _above_zero(ms: float) -> float:
    """Make room for nothing on a logarithmic axis."""
    return max(ms, 0.001)


def _svg(figure: Figure, name: str) -> str:
    """Return the element alone; names within it are salted, for several stand on one page."""
    drawn = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    return text[text.index("<svg") :]
