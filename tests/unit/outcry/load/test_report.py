"""What a load run leaves: a file for programs, a summary and a page for people."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from outcry.load.counts import LoadCounts
from outcry.load.moment import LoadMoment
from outcry.load.report import Happening
from outcry.load.view import line, page, summary
from tests.unit.outcry.load.figures import LATENCY_MS, a_load_report, a_point


def shown(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def a_moment() -> LoadMoment:
    counts = LoadCounts(orders_sent=5, gaps_seen=2).as_dict()
    return LoadMoment("measuring", 12.0, 60.0, 90, 10, a_point(12.0), counts, 3, ["killed gateway-2"])


def test_the_file_is_json_with_named_points() -> None:
    written = json.loads(a_load_report().to_json())
    assert written["series"][0]["p99_ms"] == 3.5
    assert written["happenings"][0]["whole_again_s"] == 0.4
    assert written["phases"][1]["latency_ms"]["p50"] == 1.5


def test_the_spread_between_users_is_told_in_every_form() -> None:
    """Whether the same people are always late is seen in no percentile of all delays."""
    report = a_load_report()
    text = shown(summary(report))
    assert "p5 1.50, p50 1.60, p95 1.80 ms, 20.0 % apart; among users of one gateway at most 6.7 %" in text
    assert json.loads(report.to_json())["fairness"]["gateways"]["ws://127.0.0.1:1/v1/stream"]["spread_percent"] == 6.7
    assert "fairness" not in shown(summary(a_load_report(fairness={})))


def test_the_summary_tells_what_happened_and_the_verdict() -> None:
    text = shown(summary(a_load_report()))
    assert "killed gateway-2 (SIGKILL): 50 connections ended, all in sync again after 0.40 s" in text
    assert "VERDICT OK: every user's book is the engine's: 270 books verified, 0 wrong." in text
    assert "hop: flush: not reported" in text


def test_the_summary_of_a_large_run_fits_80_columns() -> None:
    """It wrapped within its figures, and cut their names."""
    large = dict.fromkeys(LATENCY_MS, 1234.5) | {"count": 12_345_678}
    counts = LoadCounts(orders_sent=300_000, orders_accepted=290_000, orders_cancelled=100_000, returns=5_000,
                        resumes=150_000, digests_checked=12_345_678).as_dict()  # fmt: skip
    cpu = {f"{role}-{n}": 1_234.5 for role in ("matching", "gateway") for n in range(4)}
    report = a_load_report(
        counts=counts, cpu_seconds=cpu, rss_mib=cpu, latency_ms=large, updates_delivered=12_000_000,
        delays_ms={name: {"of": "x", **large} for name in ("accepted_service", "cancelled")},
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=80)
    console.print(summary(report))
    text = console.file.getvalue()
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "…" not in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "accepted service 12,345,678" + " 1,234" * 6 in lines
    assert "12,345,678 digests checked, 0 wrong" in lines


def test_a_failure_gives_reasons() -> None:
    text = shown(summary(a_load_report(verdict="failed", complaints=["user-1 ACME: stood elsewhere"])))
    assert "VERDICT FAILED" in text
    assert "user-1 ACME: stood elsewhere" in text


def test_nothing_compared_is_not_called_good() -> None:
    report = a_load_report(verdict="unproven", proof="no books are followed", books_verified=0)
    assert "VERDICT UNPROVEN" in shown(summary(report))
    assert report.is_good


def test_users_who_did_not_return_are_told() -> None:
    happening = Happening(1.0, "gateway lost", "killed gateway-2", 50, None)
    assert "not all were in sync again before the end" in shown(summary(a_load_report(happenings=[happening])))


def test_a_moment_is_a_line_or_a_page() -> None:
    assert "measuring 12 of 60 s: 100 connected (50+50), 90 of 90 whole" in line(a_moment())
    assert "100 orders/s p99 12.5 ms" in line(a_moment())
    text = shown(page(a_moment(), (160, 24)))
    assert "12 of 60 s" in text
    assert "killed gateway-2" in text


@pytest.mark.parametrize("columns", [80, 200])
def test_a_page_fits_its_terminal(columns: int) -> None:
    console = Console(file=io.StringIO(), width=columns)
    console.print(page(a_moment(), (columns, 24)))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) < 24
    assert len(lines[0].rstrip()) > columns - 20
    assert max(map(len, lines)) <= columns


@pytest.fixture(scope="module")
def html_page() -> str:
    """Of a run with everything in it; drawing takes a second."""
    drawn = pytest.importorskip("outcry.load.page", reason="matplotlib is an extra")
    text: str = drawn.page(a_load_report(complaints=["<script>alert(1)</script>"], verdict="failed"))
    return text


def test_the_page_needs_nothing_beside_itself(html_page: str) -> None:
    assert html_page.count("<svg") == 8
    for remote in ("<script", "<link", "<img", "url(http", "src="):
        assert remote not in html_page
    assert "killed gateway-2 (SIGKILL)" in html_page
    assert "99.9%" in html_page


def test_text_from_outside_is_escaped(html_page: str) -> None:
    assert "&lt;script&gt;alert(1)" in html_page


def test_every_plot_is_well_formed(html_page: str) -> None:
    drawn = [f"<svg{rest.partition('</svg>')[0]}</svg>" for rest in html_page.split("<svg")[1:]]
    assert all(ET.fromstring(each).tag.endswith("svg") for each in drawn)


def test_a_run_without_a_step_can_be_drawn() -> None:
    """Ctrl-C in the first second: no points, no delays."""
    charts = pytest.importorskip("outcry.load.charts", reason="matplotlib is an extra")
    counts = LoadCounts().as_dict()
    nothing = {
        "series": [],
        "latency_curve": [],
        "order_curves": {},
        "cpu_seconds": {},
        "hops_ms": {},
        "counts": counts,
    }
    assert len(charts.charts(a_load_report(**nothing))) == 7
