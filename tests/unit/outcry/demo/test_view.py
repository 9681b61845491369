"""What people see: every figure that matters, in a line, on a page and at the end."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from outcry.demo import view
from outcry.demo.view import line, page, summary
from outcry.load.counts import LoadCounts
from outcry.stack.screen import PLAIN_SECONDS, LiveScreen, PlainScreen
from tests.unit.outcry.demo.figures import a_moment, a_report


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
    text = drawn(page(a_moment(lost_gateways=["gateway-2"]), (150, 40)))
    for part in ("ACME · seq 1,234", "334", "999 of 1,000", "lost gateway-2", "5,000", "2 seen, 1 recovered", "p999"):
        assert part in text


def test_prices_are_money_with_the_instruments_decimals() -> None:
    """10002 and 181 were ticks, and said so nowhere."""
    text = drawn(page(BUSY, (150, 40)))
    for price in ("100.02", "9.05", "14.95", "100.01"):
        assert price in text
    assert "10002" not in text
    assert "5.25" in drawn(page(a_moment(market=one_book("PENNY", 525)), (80, 24))), "of no known definition"


def one_book(symbol: str, price: int, levels: int = 40) -> dict[str, Any]:
    bids = [[price - n, 99_999] for n in range(levels)]
    asks = [[price + 1 + n, 99_999] for n in range(levels)]
    trades = [[symbol, 1, number, 0, price, 99_999, "ask"] for number in range(40)]
    return {"books": {symbol: {"seq": 1_234_567, "bids": bids, "asks": asks}}, "trades": trades}


BUSY = a_moment(
    users=50_000,
    whole=50_000,
    connections=[8_334] * 6,
    published=100_000.0,
    delivered=10_000_000.0,
    frames=1_000_000.0,
    trades=10_000.0,
    latency_ms=dict.fromkeys(("p50", "p90", "p99", "p999", "max"), 1234.56),
    counts=LoadCounts(
        gaps_seen=12_345, gaps_recovered=12_345, digests_checked=100_000_000, disconnects=12_345
    ).as_dict(),
    market={
        "books": {
            **one_book("ACME", 10_001)["books"],
            **one_book("ACME-C90-2703", 299)["books"],
            **one_book("ACME-C100-2703", 181)["books"],
        },
        "trades": one_book("ACME", 10_001)["trades"],
    },
)


@pytest.mark.parametrize(("columns", "lines", "levels"), [(80, 24, 5), (120, 30, 8), (200, 50, 39)])
def test_a_page_fits_its_terminal_and_uses_it(columns: int, lines: int, levels: int) -> None:
    """One line is the cursor's: a page of all lines scrolls. Nothing is cut, nothing wraps."""
    console = Console(file=io.StringIO(), width=columns, height=lines)
    console.print(page(BUSY, console.size))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    shown = text.splitlines()
    assert lines - 2 <= len(shown) <= lines - 1
    assert max(map(len, shown)) == columns
    assert "…" not in text
    for book in ("ACME · seq", "ACME-C90-2703 · seq", "ACME-C100-2703 · seq", "last trades"):
        assert book in text
    assert text.count("99,999") >= levels * 7
    assert f"{(181 - levels + 1) * 0.05:.2f}" in text
    for whole in ("1,000,000 frames", "max 1234.56", "12,345 disconnects", "connections", "12,345 recovered"):
        assert whole in text


def test_a_live_page_takes_the_terminals_own_size() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=200, height=50)
    with LiveScreen(view, console) as screen:
        screen.show(BUSY)
    assert isinstance(console.file, io.StringIO)
    drawn_page = console.file.getvalue().partition("Books and trades")[0]
    assert drawn_page.count("\n") == 48
    assert f"{(181 - 38) * 0.05:.2f}" in drawn_page


@pytest.mark.parametrize("columns", [40, 60, 300])
def test_a_page_never_breaks_out_of_any_terminal(columns: int) -> None:
    text = drawn(page(BUSY, (columns, 16)), columns).splitlines()
    assert max(map(len, text)) <= columns
    assert len(text) < 16
    assert "ACME · seq" in "".join(text)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_page_of_64_gateways_is_no_longer(columns: int) -> None:
    moment = a_moment(connections=[700, *[782] * 63], lost_gateways=["gateway-1", "gateway-2"])
    assert "64 with 700 to 782 connections; 2 lost" in drawn(page(moment, (columns, 24)), columns)


def test_a_page_without_a_verifying_user_has_no_books() -> None:
    """`--verify 0`: nobody holds levels that could be shown."""
    assert "connections" in drawn(page(a_moment(market={"books": {}, "trades": []}), (80, 24)))


def test_the_end_fits_80_columns() -> None:
    """A verdict that wraps within a word is the first thing that people see of it."""
    narrow, wide = (drawn(summary(a_report()), width).splitlines() for width in (80, 300))
    assert "redis 32, matching 9.6, gateway 120, bots 9.9, load 100, demo 0.4" in "".join(narrow)
    assert [line.rstrip() for line in narrow] == [line.rstrip() for line in wide]


def test_a_good_end_says_what_was_proven() -> None:
    text = drawn(summary(a_report()))
    assert "VERDICT OK" in text
    assert "3,000 books verified, 0 wrong" in text
    assert "62 accounts: each of 11 assets adds up to 0 over all of them" in text


def test_a_verdict_says_what_the_ledger_has() -> None:
    text = drawn(summary(a_report(ledger_commands=6_012, ledger_blocks=150)))
    assert "6,012 commands are in the ledger: all of them, in 150 blocks, each sealed on the one before" in text
    assert "in the ledger" not in drawn(summary(a_report()))


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
