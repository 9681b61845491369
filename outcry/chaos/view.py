"""How a run with faults looks: a live page for terminals, plain lines for everything else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.box import SIMPLE, SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from outcry.chaos.moment import ChaosMoment
from outcry.chaos.report import ChaosReport
from outcry.flow.special_effect import told_in_words

OTHER_LINES: Final = 4
"""Of a page: two above the news, one below, and the cursor's."""


def line(moment: ChaosMoment) -> str:
    """Return a moment as one line."""
    return (
        f"{moment.phase} {moment.elapsed:.0f} of {moment.seconds:.0f} s: {moment.whole:,} of {moment.users:,} users "
        f"in sync, epoch {moment.epoch}, {moment.faults} faults so far"
    )


def page(moment: ChaosMoment, size: tuple[int, int]) -> RenderableType:
    """Return a moment as a page of a terminal, with as much news as it has lines for."""
    news_shown = moment.news[-max(1, size[1] - OTHER_LINES) :]
    return Group(
        Text(f" OpenOutcry · {moment.phase} · {moment.elapsed:.0f} of {moment.seconds:.0f} s", style="bold"),
        Text(
            f" {moment.whole:,} of {moment.users:,} users in sync, epoch {moment.epoch}, {moment.faults} faults so far"
        ),
        *(Text(f"   {news}", style="dim", no_wrap=True, overflow="ellipsis") for news in news_shown),
        Text(" Ctrl-C ends with a verdict.", style="dim"),
    )


def summary(report: ChaosReport) -> RenderableType:
    """Return the end of a run."""
    figures = Table(box=SIMPLE, show_header=False)
    figures.add_column(style="dim")
    figures.add_column()
    orders = f"{report.acknowledged_lost} lost, {report.acknowledged_duplicated} done twice"
    for name, value in (
        ("users", f"{report.users:,} on {report.gateways} gateways, for {report.seconds:.1f} s; seed {report.seed}"),
        ("orders", f"{report.acknowledged:,} acknowledged: {orders}, {report.announced_lost} lost as announced"),
        ("special orders", told_in_words(report.special) or "none"),
        ("books", f"{report.books_verified:,} verified, {report.books_wrong} wrong; {report.epochs} epochs"),
        ("users' connections", f"{report.disconnects:,} lost; {report.resumes:,} books resumed"),
        ("digests", f"{report.digests_checked:,} checked on the way, {report.digests_wrong} wrong"),
        ("started again", ", ".join(f"{part} {times}x" for part, times in report.restarts.items()) or "nothing"),
    ):
        figures.add_row(name, value)
    return Group(_faults(report), figures, *_complaints(report), _verdict(report))


def _faults(report: ChaosReport) -> Table:
    table = Table("fault", "times", "first order p50", "max", "books p50", "max (ms)", box=SIMPLE_HEAD)
    for kind, books in report.recovery_ms.items():
        orders = report.first_order_ms[kind]
        times = sum(fault["kind"] == kind for fault in report.faults)
        table.add_row(kind, str(times), *_times(orders), *_times(books))
    return table


def _times(summed: Mapping[str, Any]) -> tuple[str, str]:
    return tuple("never" if summed[of] is None else f"{summed[of]:,.0f}" for of in ("p50", "max"))  # type: ignore[return-value]


def _complaints(report: ChaosReport) -> list[Text]:
    return [Text(f" {complaint}", style="red") for complaint in report.complaints]


def _verdict(report: ChaosReport) -> Text:
    if report.is_good:
        return Text(" VERDICT OK: no book is wrong, nothing acknowledged was lost or done twice", style="bold green")
    return Text(" VERDICT FAILED", style="bold red")
