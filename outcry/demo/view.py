"""How the demo looks: a live page for terminals, plain lines for everything else. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final, Literal

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from openoutcry.wire.instrument import Instrument
from outcry.demo.moment import Moment
from outcry.demo.report import Report
from outcry.flow.special_effect import told_in_words
from outcry.terminal.money import money
from outcry.terminal.palette import CALL, SIDES

PANEL_COLUMNS_MIN: Final = 38
"""Of a book: prices and quantities of two sides, of nine and six digits."""
PANEL_LINES_MIN: Final = 5
PANEL_EDGES: Final = 3
"""Lines of a panel that hold no level: frame and headings."""
OTHER_LINES: Final = 3
"""Of a page: title, foot, and the cursor's."""
GATEWAYS_SHOWN: Final = 6
"""One by one; of more only the range."""


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


def page(moment: Moment, size: tuple[int, int]) -> RenderableType:
    """Return a moment as a page of a terminal of so many columns and lines."""
    figures = _figures(moment)
    return Group(
        _line(f" OpenOutcry · {moment.phase} · {moment.remaining}", "bold"),
        figures,
        _market(moment, size[0], size[1] - figures.row_count - OTHER_LINES),
        _line(" Books and trades as one of the users holds them. Ctrl-C ends with a verdict.", "dim"),
    )


def summary(report: Report) -> RenderableType:
    """Return the end of a run."""
    table = Table(box=None, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in figure_rows(report):
        table.add_row(name, value)
    first, *others = verdict_lines(report)
    verdict = Text("\n  ".join((first, *others)), "bold green" if report.is_good else "bold red")
    return Group(table, *_replay(report), verdict)


def figure_rows(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what was measured, names and values, in the order of reading."""
    yield "users", f"{report.users:,} on {report.gateways} gateways, for {report.seconds:.1f} s"
    rate = f"({report.rate_published:,.0f}/s)"
    yield "published", f"{report.updates_published:,} book changes {rate}, {report.trades:,} trades"
    if report.auction_trades:
        yield "opening", f"{report.auction_trades:,} trades in auctions, before all else"
    if report.special:
        yield "special", told_in_words(report.special)
    yield "delivered", f"{report.updates_delivered:,} book changes in {report.frames_delivered:,} frames"
    yield "latency", "  ".join(f"{name} {value:.2f}" for name, value in report.latency_ms.items()) + " ms"
    if report.fairness:
        low, high = report.fairness["p5_ms"], report.fairness["p95_ms"]
        yield "fairness", f"nine in ten users have a mean delay between {low:.2f} and {high:.2f} ms"
    busy = ", ".join(f"{role} {seconds:.{seconds < 10:d}f}" for role, seconds in report.cpu_seconds.items())
    yield "CPU, s", busy
    yield "digests", f"{report.digests_checked:,} checked on the way, {report.digests_wrong} wrong"
    gaps = f"{report.gaps_seen} seen, {report.gaps_recovered} recovered"
    yield "gaps", f"{gaps}; {report.disconnects:,} disconnects"


def verdict_lines(report: Report) -> list[str]:
    """Return the verdict, and what it stands on, or why it is bad."""
    books = f"{report.books_verified:,} books verified, {report.books_wrong} wrong"
    if not report.is_good:
        return [f"VERDICT FAILED: {books}.", *report.complaints]
    lines = ["VERDICT OK: every user's book is the engine's at the same (epoch, seq):", f"{books}."]
    if report.accounts:
        sums = f"each of {report.assets_conserved} assets adds up to 0 over all of them"
        lines.append(f"{report.accounts} accounts: {sums}.")
    if report.ledger_commands:
        blocks = f"{report.ledger_blocks:,} blocks, each sealed on the one before"
        lines.append(f"{report.ledger_commands:,} commands are in the ledger: all of them, in {blocks}.")
    if report.story:
        lost = sum(chapter["orders_lost"] for chapter in report.story)
        lines.append(f"Done on purpose meanwhile: {len(report.story)}; orders lost: {lost}.")
    return lines


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


def _figures(moment: Moment) -> Table:
    counts, delays = moment.counts, moment.latency_ms
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, value in (
        (
            " changes/s",
            f"published {moment.published:,.0f}, delivered {moment.delivered:,.0f} in {moment.frames:,.0f} frames",
        ),
        (" latency, ms", "  ".join(f"{name} {value:.2f}" for name, value in delays.items())),
        (" users", f"{moment.whole:,} of {moment.users:,} whole, {counts['disconnects']:,} disconnects"),
        (" gateways", f"{_each(moment.connections)} connections{_lost(moment.lost_gateways)}"),
        (
            " digests",
            (
                f"{counts['digests_checked']:,} checked, {counts['digests_wrong']:,} wrong; "
                f"gaps {counts['gaps_seen']:,} seen, {counts['gaps_recovered']:,} recovered"
            ),
        ),
    ):
        table.add_row(name, value)
    return table


def _each(connections: Sequence[int]) -> str:
    if len(connections) > GATEWAYS_SHOWN:
        return f"{len(connections)} with {min(connections):,} to {max(connections):,}"
    return " + ".join(f"{count:,}" for count in connections)


def _lost(gateways: Sequence[str]) -> str:
    if len(gateways) > 1:
        return f"; {len(gateways)} lost"
    return "".join(f"; lost {name}" for name in gateways)


def _market(moment: Moment, columns: int, lines: int) -> RenderableType:
    """Draw as many books as fit beside and below each other, and the trades; all of the lines are used."""
    books = list(moment.market.get("books", {}).items())
    beside = max(1, min(len(books) + 1, columns // PANEL_COLUMNS_MIN))
    below = max(1, min(-(-(len(books) + 1) // beside), lines // PANEL_LINES_MIN))
    height = max(PANEL_LINES_MIN, lines // below)
    panels = [_book(_listed(moment, name), book, height) for name, book in books[: max(1, beside * below - 1)]]
    if len(panels) < beside * below:
        panels.append(_trades(moment, height))
    grid = Table.grid(expand=True)
    for _ in range(beside):
        grid.add_column(ratio=1)
    for first in range(0, len(panels), beside):
        grid.add_row(*panels[first : first + beside])
    return grid


def _book(instrument: Instrument, book: Mapping[str, Any], height: int) -> Panel:
    table = _columns(
        ("bid", "right", "green"), ("price", "right", "green"), ("price", "right", "red"), ("ask", "right", "red")
    )
    levels = height - PANEL_EDGES
    for bid, ask in zip_longest(book["bids"][:levels], book["asks"][:levels]):
        table.add_row(*reversed(_level(bid, instrument)), *_level(ask, instrument))
    return Panel(table, title=f"{instrument.symbol} · seq {book['seq']:,}", height=height)


def _level(level: Sequence[int] | None, instrument: Instrument) -> tuple[str, str]:
    return (money(level[0], instrument), f"{level[1]:,}") if level is not None else ("", "")


def _trades(moment: Moment, height: int) -> Panel:
    table = _columns(("trades", "left", ""), ("price", "right", ""), ("quantity", "right", ""))
    latest = list(moment.market.get("trades", ()))[: PANEL_EDGES - height - 1 : -1]
    for name, _, _, _, price, quantity, aggressor in latest:
        style = SIDES.get(aggressor, CALL)
        table.add_row(name, money(price, _listed(moment, name)), f"{quantity:,}", style=style)
    return Panel(table, title=f"last trades · {moment.trades:,.0f} a second", height=height)


def _columns(*columns: tuple[str, Literal["left", "right"], str]) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False, expand=True)
    for heading, justify, style in columns:
        table.add_column(heading, justify=justify, style=style, no_wrap=True)
    return table


def _listed(moment: Moment, symbol: str) -> Instrument:
    return moment.listing.get(symbol, Instrument(symbol))


def _line(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
