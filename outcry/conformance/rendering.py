"""A report for people: a table on a terminal, a line a check elsewhere."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from outcry.conformance.report import CheckVerdict, ConformanceReport, Result

_STYLES: Final = {CheckVerdict.PASS: "green", CheckVerdict.FAIL: "bold red", CheckVerdict.SKIP: "yellow"}


def render(report: ConformanceReport, console: Console) -> None:
    """Print a report, failures last and with the sentence that they break."""
    if console.is_terminal:
        console.print(_table(report))
    else:
        for result in report.results:
            _print_plain(console, _line(result))
    for result in report.failed():
        _print_plain(console, "")
        _print_plain(console, f"FAIL {result.check.name}")
        _print_plain(console, f"  {result.check.anchor}: {result.check.sentence}")
        _print_plain(console, f"  {result.text}")
    _print_plain(console, summary(report))


def summary(report: ConformanceReport) -> str:
    """Return the counts and the time in a sentence."""
    counts = ", ".join(f"{report.count(verdict)} {verdict}" for verdict in CheckVerdict)
    return f"{len(report.results)} checks: {counts}; {report.seconds:.1f} s, trading {report.instrument}"


def _line(result: Result) -> str:
    line = f"{result.verdict:<4}  {result.check.name:<60} {result.seconds * 1000:>7.0f} ms"
    return f"{line}  {result.text}".rstrip()


def _table(report: ConformanceReport) -> Table:
    table = Table(title=f"Conformance of {', '.join(report.urls)}", title_justify="left")
    table.add_column("")
    table.add_column("check")
    table.add_column("ms", justify="right")
    table.add_column("seen")
    section = ""
    for result in report.results:
        if result.check.section != section:
            section = result.check.section
            table.add_section()
            table.add_row("", f"[bold]{escape(section)}[/bold]")
        style = _STYLES[result.verdict]
        verdict = f"[{style}]{result.verdict}[/{style}]"
        table.add_row(verdict, escape(result.check.name), f"{result.seconds * 1000:.0f}", escape(result.text))
    return table


def _print_plain(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
