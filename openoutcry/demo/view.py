"""How the demo looks: a live page for terminals, plain lines for everything else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Final

from rich.box import SIMPLE, SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from openoutcry.demo.moment import Moment
from openoutcry.demo.report import Report

LEVELS_SHOWN: Final = 5


def line(moment: Moment) -> str:
    """Return a moment as one line."""
    latency = moment.latency_ms
    counts = moment.counts
    return (
        f"{moment.phase} {moment.remaining}: {sum(moment.connections)} of {moment.users} users connected "
        f"({'+'.join(map(str, moment.connections))}), {moment.published:,.0f} changes/s published, "
        f"{moment.delivered:,.0f}/s delivered in {moment.frames:,.0f} frames/s, "
        f"latency p50 {latency['p50']:.1f} p99 {latency['p99']:.1f} max {latency['max']:.1f} ms, "
        f"gaps {counts['gaps_seen']} (recovered {counts['gaps_recovered']}), disconnects {counts['disconnects']}, "
        f"digests checked {counts['digests_checked']:,} (wrong {counts['digests_wrong']})"
    )


def page(moment: Moment) -> RenderableType:
    """Return a moment as a page of a terminal."""
    books = [_book(name, book) for name, book in moment.market.get("books", {}).items()]
    return Group(
        Text(f" OpenOutcry · {moment.phase} · {moment.remaining}", style="bold"),
        Columns([_rates(moment), _latency(moment), _gateways(moment), _proof(moment)]),
        Columns([*books, _trades(moment.market)]),
        Text(" Books and trades as one of the users holds them. Ctrl-C ends with a verdict.", style="dim"),
    )


def summary(report: Report) -> RenderableType:
    """Return the end of a run."""
    table = Table(box=SIMPLE, show_header=False)
    table.add_column(style="dim")
    table.add_column()
    latency = report.latency_ms
    busy = ", ".join(f"{role} {seconds:.1f}" for role, seconds in report.cpu_seconds.items())
    for name, value in (
        ("users", f"{report.users:,} on {report.gateways} gateways, for {report.seconds:.1f} s"),
        (
            "published",
            f"{report.updates_published:,} book changes ({report.rate_published:,.0f}/s), {report.trades:,} trades",
        ),
        ("delivered", f"{report.updates_delivered:,} book changes in {report.frames_delivered:,} frames"),
        ("latency", "  ".join(f"{name} {value:.2f}" for name, value in latency.items()) + " ms"),
        ("CPU seconds", busy),
        ("digests", f"{report.digests_checked:,} checked on the way, {report.digests_wrong} wrong"),
        ("gaps", f"{report.gaps_seen} seen, {report.gaps_recovered} recovered; {report.disconnects} disconnects"),
    ):
        table.add_row(name, value)
    return Group(table, *_replay(report), _verdict(report))


def _verdict(report: Report) -> Text:
    books = f"{report.books_verified:,} books verified, {report.books_wrong} wrong"
    if report.is_good:
        return Text(f"VERDICT OK: every user's book is the engine's at the same (epoch, seq): {books}.", "bold green")
    reasons = "".join(f"\n  {complaint}" for complaint in report.complaints)
    return Text(f"VERDICT FAILED: {books}.{reasons}", "bold red")


def _replay(report: Report) -> list[RenderableType]:
    if report.replay is None:
        return []
    passed_over = ", ".join(f"{count:,} {reason}" for reason, count in report.replay["skipped"].items()) or "none"
    refused = ", ".join(f"{count:,} {code}" for code, count in report.replay["refused"].items()) or "none"
    return [
        Text(
            f"  Replay: {report.replay['messages']:,} messages became {report.commands:,} commands; "
            f"passed over: {passed_over}; refused by the engine: {refused}."
        )
    ]


def _rates(moment: Moment) -> Panel:
    return _figures(
        "per second",
        {
            "changes published": f"{moment.published:,.0f}",
            "changes delivered": f"{moment.delivered:,.0f}",
            "frames delivered": f"{moment.frames:,.0f}",
            "trades": f"{moment.trades:,.0f}",
        },
    )


def _latency(moment: Moment) -> Panel:
    return _figures("latency, ms", {name: f"{value:.2f}" for name, value in moment.latency_ms.items()})


def _gateways(moment: Moment) -> Panel:
    shown = {f"gateway {number}": f"{count:,}" for number, count in enumerate(moment.connections, start=1)}
    if moment.lost_gateways:
        shown["lost"] = ", ".join(moment.lost_gateways)
    return _figures("connections", {**shown, "users whole": f"{moment.whole:,} of {moment.users:,}"})


def _proof(moment: Moment) -> Panel:
    counts = moment.counts
    return _figures(
        "proof",
        {
            "digests checked": f"{counts['digests_checked']:,}",
            "digests wrong": f"{counts['digests_wrong']:,}",
            "gaps / recovered": f"{counts['gaps_seen']:,} / {counts['gaps_recovered']:,}",
            "disconnects": f"{counts['disconnects']:,}",
        },
    )


def _figures(title: str, figures: Mapping[str, str]) -> Panel:
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, value in figures.items():
        table.add_row(name, value)
    return Panel(table, title=title, width=34, height=7)


def _book(name: str, book: Mapping[str, Any]) -> Panel:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    for heading, style in (("bid", "green"), ("price", "green"), ("price", "red"), ("ask", "red")):
        table.add_column(heading, justify="right", style=style)
    for bid, ask in zip_longest(book["bids"][:LEVELS_SHOWN], book["asks"][:LEVELS_SHOWN], fillvalue=("", "")):
        table.add_row(str(bid[1]), str(bid[0]), str(ask[0]), str(ask[1]))
    return Panel(table, title=f"{name} · seq {book['seq']:,}", width=34, height=LEVELS_SHOWN + 5)


def _trades(market: Mapping[str, Any]) -> Panel:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    for heading in ("trades", "price", "quantity"):
        table.add_column(heading, justify="left" if heading == "trades" else "right")
    for instrument, _, _, _, price, quantity, aggressor in list(market.get("trades", ()))[: -LEVELS_SHOWN - 1 : -1]:
        table.add_row(instrument, str(price), str(quantity), style="green" if aggressor == "bid" else "red")
    return Panel(table, width=34, height=LEVELS_SHOWN + 5)
