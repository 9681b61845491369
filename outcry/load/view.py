"""How a load run looks: a live page with a progress bar, plain lines, and the table at the end. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from outcry.load.clauses import Clauses
from outcry.load.fairness import worst
from outcry.load.moment import LoadMoment
from outcry.load.report import Happening, LoadReport

BAR_WIDTH_MIN: Final = 10
BESIDE_BAR: Final = 32
"""Columns for the phase and the seconds."""
PERCENTILES_SHOWN: Final = ("mean", "p50", "p90", "p99", "p999", "max")


def line(moment: LoadMoment) -> str:
    """Return a moment as one line."""
    point, counts = moment.point, moment.counts
    orders = f"{point.orders_per_s:,.0f} orders/s p99 {point.order_p99_ms:.1f} ms, " if counts["orders_sent"] else ""
    return (
        f"{moment.phase} {moment.elapsed:.0f} of {moment.seconds:.0f} s: {point.connections:,} connected "
        f"({'+'.join(map(str, point.per_gateway))}), {point.whole:,} of {moment.users:,} whole, "
        f"{point.updates_per_s:,.0f} updates/s in {point.frames_per_s:,.0f} frames/s, {point.mib_per_s:.1f} MiB/s, "
        f"p50 {point.p50_ms:.1f} p99 {point.p99_ms:.1f} ms, {orders}"
        f"gaps {counts['gaps_seen']}, resyncs {counts['resyncs']}, disconnects {counts['disconnects']}, "
        f"returns {counts['returns']}, refusals {counts['refusals'] + counts['orders_refused']}"
    )


def page(moment: LoadMoment, size: tuple[int, int]) -> RenderableType:
    """Return a moment as a page of a terminal."""
    bar_width = max(BAR_WIDTH_MIN, size[0] - BESIDE_BAR)
    table = _plain_table()
    for name, value in _live_rows(moment):
        table.add_row(name, value)
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(f" {moment.phase}", style="bold"),
        ProgressBar(total=max(moment.seconds, 0.001), completed=min(moment.elapsed, moment.seconds), width=bar_width),
        Text(f"{moment.elapsed:.0f} of {moment.seconds:.0f} s"),
    )
    news = [Text(f" {text}", style="yellow", no_wrap=True, overflow="ellipsis") for text in moment.news]
    return Group(bar, table, *news, Text(" Ctrl-C ends early, with a report.", style="dim"))


def summary(report: LoadReport) -> RenderableType:
    """Return the end of a run."""
    table = _plain_table()
    for name, value in rows(report):
        table.add_row(name, Clauses(value))
    return Group(table, latency_table(report), *_not_reported(report), Text(), _verdict(report))


def rows(report: LoadReport) -> Iterator[tuple[str, str]]:
    """Yield what a run did, as names and values."""
    counts = report.counts
    rates = report.rates
    slow = f" and {report.slow_users:,} who never read" if report.slow_users else ""
    yield "users", f"{report.users - report.slow_users:,}{slow}; {report.scenario}, for {report.seconds:.1f} s"
    yield "opening", f"all in sync after {report.opening['seconds']:.2f} s"
    yield "published", f"{report.updates_published:,} book changes ({rates['updates_published']:,.0f}/s)"
    yield (
        "delivered",
        (
            f"{report.updates_delivered:,} book changes ({rates['updates_delivered']:,.0f}/s), in "
            f"{report.frames_delivered:,} frames ({rates['frames']:,.0f}/s), {rates['mib']:.2f} MiB/s"
        ),
    )
    yield (
        "gaps",
        (
            f"{counts['gaps_seen']} seen, {counts['gaps_recovered']} recovered, {counts['resyncs']} resyncs; "
            f"{counts['digests_checked']:,} digests checked, {counts['digests_wrong']} wrong"
        ),
    )
    yield (
        "connections",
        (
            f"{counts['disconnects']:,} lost, {counts['departures']:,} left by plan, {counts['returns']:,} returned "
            f"({counts['resumes']:,} books resumed), {counts['connect_failures']:,} attempts failed, "
            f"{counts['refusals']:,} requests refused"
        ),
    )
    if counts["orders_sent"]:
        yield (
            "orders",
            (
                f"{counts['orders_sent']:,} sent: {counts['orders_accepted']:,} accepted, "
                f"{counts['orders_cancelled']:,} cancels, {counts['orders_refused']:,} refused, "
                f"{counts['orders_unanswered']:,} unanswered, {counts['orders_unsent']:,} never sent"
            ),
        )
    if report.fairness:
        yield "fairness", fairness_text(report.fairness)
    yield "CPU seconds", ", ".join(f"{role} {value:.1f}" for role, value in report.cpu_seconds.items())
    yield "RSS, MiB", ", ".join(f"{role} {value:.0f}" for role, value in report.rss_mib.items())
    for happening in report.happenings:
        yield f"at {happening.t:.1f} s", happening_text(happening)
    for phase in report.phases if len(report.phases) > 1 else ():
        shown = " ".join(f"{name} {phase.latency_ms[name]:.2f}" for name in ("p50", "p99", "max"))
        yield phase.name, f"{shown} ms ({phase.begin_s:.1f} to {phase.end_s:.1f} s)"
    if report.clock_warning:
        yield "clocks", report.clock_warning


def latency_table(report: LoadReport) -> Table:
    """Return every delay and hop that is known, ms; 80 columns hold it."""
    table = Table(box=SIMPLE, padding=0, collapse_padding=True)
    table.add_column("ms", style="dim", no_wrap=True)
    for name in ("count", *PERCENTILES_SHOWN):
        table.add_column(name, justify="right", no_wrap=True, min_width=6)
    for name, figures in delay_rows(report):
        if figures[-1]:
            table.add_row(name.removeprefix("hop: "), *figures)
    return table


def _not_reported(report: LoadReport) -> Iterator[Text]:
    """Yield what else would be known, if everybody told it."""
    for name, figures in delay_rows(report):
        if not figures[-1]:
            yield Text(f"  {name}: {figures[0]}", style="dim")


def delay_rows(report: LoadReport) -> Iterator[tuple[str, list[str]]]:
    """Yield every delay and hop by name: count, and PERCENTILES_SHOWN in ms; what is not known is a dash."""
    yield "delivery", _figures(report.latency_ms)
    for name, figures in report.delays_ms.items():
        if name != "last_hop":
            yield name.replace("_", " "), _figures(figures)
    for hop, figures in report.hops_ms.items():
        yield (
            f"hop: {hop}",
            _figures(figures) if isinstance(figures, Mapping) else [str(figures), "", "", "", "", "", ""],
        )


def fairness_text(found: Mapping[str, Any]) -> str:
    """Return how far the users' own mean delays lie apart."""
    low, middle, high = (f"{found[name]:.2f}" for name in ("p5_ms", "p50_ms", "p95_ms"))
    return (
        f"users' own mean delays: p5 {low}, p50 {middle}, p95 {high} ms, {found['spread_percent']:.1f} % apart; "
        f"among users of one gateway at most {worst(found):.1f} %"
    )


def happening_text(happening: Happening) -> str:
    """Return what happened in one sentence."""
    if not happening.users_affected:
        return happening.text
    ended = f"{happening.text}: {happening.users_affected:,} connections ended"
    if happening.whole_again_s is None:
        return f"{ended}, not all were in sync again before the end"
    return f"{ended}, all in sync again after {happening.whole_again_s:.2f} s"


def _live_rows(moment: LoadMoment) -> Iterator[tuple[str, str]]:
    point, counts = moment.point, moment.counts
    yield "whole", f"{point.whole:,} of {moment.users:,} users; slow: {moment.slow_users:,}"
    yield "connections", f"{point.connections:,} ({' + '.join(f'{count:,}' for count in point.per_gateway)})"
    yield (
        "delivered",
        f"{point.updates_per_s:,.0f} updates/s, {point.frames_per_s:,.0f} frames/s, {point.mib_per_s:.1f} MiB/s",
    )
    yield "latency", f"p50 {point.p50_ms:.2f}  p99 {point.p99_ms:.2f}  max {point.max_ms:.2f} ms"
    yield "orders", f"{point.orders_per_s:,.0f}/s, p99 {point.order_p99_ms:.2f} ms; waiting: {moment.orders_waiting:,}"
    yield (
        "so far",
        (
            f"gaps {counts['gaps_seen']:,}, resyncs {counts['resyncs']:,}, disconnects {counts['disconnects']:,}, "
            f"returns {counts['returns']:,}, refusals {counts['refusals'] + counts['orders_refused']:,}"
        ),
    )


def _figures(figures: Mapping[str, Any]) -> list[str]:
    shown = [_ms(figures[name]) if name in figures else "-" for name in PERCENTILES_SHOWN]
    return [f"{figures['count']:,.0f}", *shown]


def _ms(value: float) -> str:
    return f"{value:.2f}" if value < 1_000 else f"{value:,.0f}"


def _plain_table() -> Table:
    table = Table(box=SIMPLE, show_header=False)
    table.add_column(style="dim")
    table.add_column()
    return table


def _verdict(report: LoadReport) -> Text:
    books = f"{report.books_verified:,} books verified, {report.books_wrong} wrong"
    match report.verdict:
        case "ok":
            return Text(f"VERDICT OK: {report.proof}: {books}.", "bold green")
        case "unproven":
            return Text(f"VERDICT UNPROVEN: {report.proof}.", "bold yellow")
        case _:
            reasons = "".join(f"\n  {complaint}" for complaint in report.complaints)
            return Text(f"VERDICT FAILED: {books}.{reasons}", "bold red")
