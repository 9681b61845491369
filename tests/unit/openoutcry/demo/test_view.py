"""What people see: every figure that matters, in a line, on a page and at the end."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from openoutcry.demo import view
from openoutcry.demo.screen import PLAIN_SECONDS, PlainScreen
from openoutcry.demo.view import line, page, summary
from tests.unit.openoutcry.demo.figures import a_moment, a_report


def drawn(shown: RenderableType, width: int = 150) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_line_says_how_far_how_many_how_fast_and_how_late() -> None:
    text = line(a_moment())
    for part in ("12 of 30 s", "999 of 1000 users", "334+333+332", "200 changes/s", "p99 3.5", "gaps 2 (recovered 1)"):
        assert part in text


def test_a_page_shows_books_trades_connections_and_proof() -> None:
    text = drawn(page(a_moment(lost_gateways=["gateway-2"])))
    for part in ("ACME · seq 1,234", "10002", "334", "999 of 1,000", "gateway-2", "5,000", "2 / 1", "p999"):
        assert part in text


def test_a_page_without_a_verifying_user_has_no_books() -> None:
    """`--verify 0`: nobody holds levels that could be shown."""
    assert "connections" in drawn(page(a_moment(market={"books": {}, "trades": []})))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_page_fits_any_terminal(width: int) -> None:
    assert max(map(len, drawn(page(a_moment()), width).splitlines())) <= width


def test_a_good_end_says_what_was_proven() -> None:
    text = drawn(summary(a_report()))
    assert "VERDICT OK" in text
    assert "3,000 books verified, 0 wrong" in text


def test_a_bad_end_says_what_is_wrong() -> None:
    text = drawn(summary(a_report(verdict="failed", books_wrong=1, complaints=["ann ACME: stood at seq 9"])))
    assert "VERDICT FAILED" in text
    assert "ann ACME: stood at seq 9" in text


def test_a_replays_end_says_what_was_passed_over() -> None:
    replay = {"messages": 5, "skipped": {"trading halt": 2}, "refused": {"unknown_order": 1}}
    text = drawn(summary(a_report(replay=replay)))
    assert "2 trading halt" in text
    assert "1 unknown_order" in text


def test_plain_lines_come_every_few_seconds() -> None:
    """A log file of an hour must stay readable."""
    console = Console(file=io.StringIO(), width=80)
    with PlainScreen(view, console) as screen:
        for second in range(int(3 * PLAIN_SECONDS)):
            screen.show(a_moment(elapsed=float(second)))
    assert isinstance(console.file, io.StringIO)
    assert len(console.file.getvalue().splitlines()) == 3
