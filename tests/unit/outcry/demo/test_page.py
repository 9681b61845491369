"""The demo's page: verdict, what happened, plots with their marks; and what others have named stays text."""

from __future__ import annotations

from outcry.demo.page import page
from outcry.load.report import Point
from tests.unit.outcry.demo.figures import a_report
from tests.unit.outcry.demo.test_story import BLACKOUT, ENGINE, GATEWAY

SERIES = [
    Point(float(t), 1.0, 4.0, 9.0, 1_000, 1_000, [500, 500], 60_000.0, 58_000.0, 3.0, 0.0, 0.0) for t in range(40)
]


def test_everything_that_happened_is_told_and_marked() -> None:
    story = [each.row() for each in (GATEWAY, ENGINE, BLACKOUT)]
    text = page(a_report(story=story, series=SERIES, prices=[(1.0, 101.25), (2.0, 101.5)]))
    assert text.count("<svg") == 4
    assert text.count("the leading engine dies") >= 4  # the table, and a mark in each plot over time
    for part in ("VERDICT OK", "238 orders waited", "812 ms", "Price of ACME", "fairness"):
        assert part in text


def test_a_quiet_run_has_no_story() -> None:
    text = page(a_report(series=SERIES))
    assert "on purpose" not in text
    assert text.count("<svg") == 3


def test_markup_stays_text() -> None:
    story = [BLACKOUT._replace(victim="<b>", sentence="<script>").row()]
    text = page(a_report(story=story, series=SERIES, verdict="failed", complaints=["<i>lost</i>"]))
    assert "<script>" not in text
    assert "<i>" not in text
