"""A load report as one HTML file that needs nothing beside itself. Needs matplotlib, as `charts` does."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Final

from outcry.load.charts import charts
from outcry.load.delays import MEANINGS
from outcry.load.fairness import MEANING as FAIRNESS
from outcry.load.hops import GATEWAY_HOPS
from outcry.load.report import LoadReport
from outcry.load.view import PERCENTILES_SHOWN, delay_rows, rows

STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1c2026; background: #fff; margin: 2rem auto; max-width: 1180px;
  padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p.about { color: #5b626c; margin: .2rem 0 1rem }
.verdict { padding: .6rem .9rem; border-radius: 6px; font-weight: 600 }
.ok { background: #e2f4e8; color: #14532d } .failed { background: #fde7e5; color: #7f1d1d }
.unproven { background: #fff3d6; color: #6b4a00 }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(520px, 1fr)); gap: 1rem }
.plots svg { width: 100%; height: auto; border: 1px solid #e3e6ea; border-radius: 6px }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .25rem .7rem .25rem 0;
  border-bottom: 1px solid #e9ecef; vertical-align: top } th { color: #5b626c; font-weight: 500 }
table.figures td + td, table.figures th + th { text-align: right; font-variant-numeric: tabular-nums }
table.names td:first-child { color: #5b626c; white-space: nowrap; width: 11rem }
dl { display: grid; grid-template-columns: 11rem 1fr; gap: .15rem .7rem; color: #5b626c }
dt { color: #1c2026 } dd { margin: 0 }
"""


def page(report: LoadReport) -> str:
    """Return the page: verdict, plots, figures, configuration, what each figure means."""
    title = f"outcry load: {report.scenario}, {report.users:,} users"
    about = f"{report.began_at}, {report.seconds:.1f} s against {', '.join(report.urls)}"
    parts = [
        f"<h1>{_text(title)}</h1><p class=about>{_text(about)}</p>",
        _verdict(report),
        '<h2>Plots</h2><div class="plots">' + "".join(charts(report)) + "</div>",
        "<h2>Run</h2>" + _names(rows(report)),
        "<h2>Latency and hops, ms</h2>" + _figures(report),
        "<h2>Configuration</h2>" + _names(_configuration(report)),
        "<h2>What is measured</h2>" + _meanings(),
    ]
    head = f"<meta charset=utf-8><title>{_text(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _verdict(report: LoadReport) -> str:
    books = f"{report.books_verified:,} books verified, {report.books_wrong} wrong"
    says = {"ok": f"OK: {report.proof}: {books}.", "unproven": f"Unproven: {report.proof}."}
    text = _text(says.get(report.verdict, f"Failed: {books}."))
    complaints = "".join(f"<br>{_text(complaint)}" for complaint in report.complaints)
    return f'<div class="verdict {report.verdict}">{text}{complaints}</div>'


def _configuration(report: LoadReport) -> Iterable[tuple[str, str]]:
    yield "deployment", f"{report.deployment}, {len(report.urls)} gateways, {report.instruments} instruments"
    for name, value in report.settings.items():
        yield name.replace("_", " "), ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    for name, value in {**report.machine, **report.versions}.items():
        yield name.replace("_", " "), str(value)


def _figures(report: LoadReport) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("", "count", *PERCENTILES_SHOWN))
    body = "".join(_row([name, *cells]) for name, cells in delay_rows(report))
    return f'<table class="figures"><tr>{head}</tr>{body}</table>'


def _meanings() -> str:
    meanings = {
        "delivery": "engine's publishing to the client's receipt, of every delta; one clock, or synchronised ones",
        **{name.replace("_", " "): meaning for name, meaning in MEANINGS.items() if name != "last_hop"},
        "fairness": FAIRNESS,
        **{f"hop: {hop}": meaning for hop, (_, meaning) in GATEWAY_HOPS.items()},
        "hop: gateway to client": MEANINGS["last_hop"],
    }
    return (
        "<dl>" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in meanings.items()) + "</dl>"
    )


def _names(pairs: Iterable[tuple[str, str]]) -> str:
    return '<table class="names">' + "".join(_row(pair) for pair in pairs) + "</table>"


def _row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    return html.escape(text)
