"""A demo's report as one HTML file that needs nothing beside itself. Needs matplotlib, as `outcry.load.charts` does."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

from outcry.demo.report import Report
from outcry.demo.story import Chapter, Turn, told
from outcry.demo.view import figure_rows, verdict_lines
from outcry.load.charts import connections_over_time, latency_over_time, price_over_time, throughput
from outcry.load.page import STYLE
from outcry.load.report import Happening


def page(report: Report) -> str:
    """Return the page: verdict, what happened on purpose, plots, figures."""
    title = f"OpenOutcry demo: {report.users:,} users on {report.gateways} gateways"
    chapters = [_chapter(row) for row in report.story]
    marks = [Happening(each.at, each.deed.value, "", each.users_moved, None) for each in chapters]
    plots = [latency_over_time(report.series, marks), connections_over_time(report.series, marks, report.users)]
    plots.append(throughput(report.series, marks))
    if report.prices:
        plots.append(price_over_time(report.prices, marks, report.priced))
    parts = [
        f"<h1>{_text(title)}</h1>",
        f'<div class="verdict {report.verdict}">{"<br>".join(map(_text, verdict_lines(report)))}</div>',
        "<h2>What happened on purpose</h2>" + _story(chapters) if chapters else "",
        '<h2>Plots</h2><div class="plots">' + "".join(plots) + "</div>",
        "<h2>Figures</h2>" + _table(figure_rows(report)),
    ]
    head = f"<meta charset=utf-8><title>{_text(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _chapter(row: Mapping[str, Any]) -> Chapter:
    return Chapter(**{**row, "deed": Turn[str(row["deed"]).upper()]})


def _story(chapters: Iterable[Chapter]) -> str:
    return _table((f"{each.at:.0f} s: {each.deed.value} ({each.victim})", "; ".join(told(each))) for each in chapters)


def _table(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><td>{_text(name)}</td><td>{_text(value)}</td></tr>" for name, value in pairs)
    return f'<table class="names">{rows}</table>'


def _text(text: str) -> str:
    return html.escape(text)
