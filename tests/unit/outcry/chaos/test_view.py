"""How a run with faults looks."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from outcry.chaos import view
from outcry.chaos.moment import ChaosMoment
from outcry.chaos.report import ChaosReport

MOMENT = ChaosMoment("kill redis", 3.0, 60.0, 1000, 667, 7, 2, ["   1.0 s  kill redis for 0.7 s"])


def report(**other: Any) -> ChaosReport:
    summed = {"kill redis": {"p50": 900.0, "max": 1200.0, "count": 2}}
    figures: dict[str, Any] = {
        "verdict": "ok", "complaints": [], "seed": 5, "users": 1000, "gateways": 3, "engines": 2, "seconds": 60.0,
        "faults": [{"at": 1.0, "kind": "kill redis", "text": "", "first_order_ms": 1.0, "books_ms": 2.0}] * 2,
        "recovery_ms": summed, "first_order_ms": summed, "books_verified": 3000, "books_wrong": 0,
        "acknowledged": 9000, "special": {"stops": 1200},
        "acknowledged_lost": 0, "acknowledged_duplicated": 0, "announced_lost": 0,
        "contradicted": 0, "unresolved": 0, "history_findings": 0, "epochs": 1, "disconnects": 300, "resumes": 900,
        "digests_checked": 5, "digests_wrong": 0, "restarts": {"redis": 2}, "redis": "redis-server",
        "appendfsync": "always", "versions": {},
    }  # fmt: skip
    return ChaosReport(**{**figures, **other})


def shown(what: Any) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def test_a_line_tells_who_is_whole() -> None:
    assert view.line(MOMENT) == "kill redis 3 of 60 s: 667 of 1,000 users in sync, epoch 7, 2 faults so far"
    assert "kill redis for 0.7 s" in shown(view.page(MOMENT, (80, 24)))


def test_a_page_shows_as_much_news_as_it_has_lines_for() -> None:
    """Forty lines in a terminal of 24 would scroll what is above them away."""
    moment = MOMENT._replace(news=[f"{number:6.1f} s  freeze gateway-1 for 2.5 s" for number in range(40)])
    for lines in (24, 50):
        text = shown(view.page(moment, (80, lines))).splitlines()
        assert len(text) == min(lines - 1, 43)
        assert "  39.0 s" in text[-2]


def test_the_summary_has_a_row_a_kind_of_fault_and_the_verdict() -> None:
    text = shown(view.summary(report()))
    assert "kill redis   2       900" in text
    assert "9,000 acknowledged: 0 lost, 0 done twice" in text
    assert "VERDICT OK" in text


def test_what_is_wrong_is_told_in_words_and_never_looks_good() -> None:
    text = shown(view.summary(report(verdict="failed", complaints=["c9 of ann is nowhere"], acknowledged_lost=1)))
    assert "c9 of ann is nowhere" in text
    assert "VERDICT FAILED" in text


def test_special_orders_are_told() -> None:
    assert "1,200 stops" in shown(view.summary(report()))
    assert "none" in shown(view.summary(report(special={})))
