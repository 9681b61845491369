"""What people see of a book says what it is worth."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

from openoutcry.aio.book import Book
from openoutcry.events import StaleReason
from openoutcry.trade_tape import Missing
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Trade
from openoutcry.wire.types import NoSide, Phase, Side
from outcry.watch.aio.watch import refresh
from outcry.watch.ladder import BAR_CELLS, LadderView, auction_line, ladder, money, plain_line, plain_trade

ACME = Instrument("ACME", name="ACME common stock", tick_size="0.05")
TRADE = Trade("ACME", 9, 4, 1_500_000, 2_001, 3, Side.BID)
VIEW = LadderView(
    ACME,
    5,
    bids=[(2_000, 40), (1_999, 20)],
    asks=[(2_001, 10)],
    epoch=7,
    seq=1_234,
    digest=0xAB,
    stale=None,
    delay_us=2_500,
    trades=deque([TRADE, Missing(5, 9)]),
)


def drawn(view: LadderView) -> list[str]:
    console = Console(width=100, no_color=True)
    with console.capture() as capture:
        console.print(ladder(view))
    return capture.get().splitlines()


def test_prices_are_in_the_instrument_s_money() -> None:
    assert money(2_000, ACME) == "100.00"
    assert money(30_000_001, Instrument("X", tick_size="1")) == "30,000,001"


def test_the_ladder_has_asks_above_bids_and_bars_in_proportion() -> None:
    lines = drawn(VIEW)
    ask, best, second = (next(line for line in lines if price in line) for price in ("100.05", "100.00", "99.95"))
    assert lines.index(ask) < lines.index(best) < lines.index(second)
    assert [line.count("█") for line in (best, second, ask)] == [BAR_CELLS, BAR_CELLS // 2, BAR_CELLS // 4]
    assert any("spread 0.05" in line for line in lines)


def test_the_ladder_keeps_its_height() -> None:
    """Else it would jump with every level that comes and goes."""
    assert len(drawn(VIEW)) == len(drawn(replace(VIEW, bids=[], asks=[])))


@pytest.mark.parametrize(("columns", "lines", "depth", "trades"), [(80, 24, 7, 4), (200, 50, 10, 24), (80, 24, 5, 8)])
def test_the_ladder_fits_the_terminal_and_uses_it(columns: int, lines: int, depth: int, trades: int) -> None:
    """It was 33 lines of 50 columns on any terminal, and cut off at the end on the usual one."""
    quantities = [(2_000 - place, 1_000_000_000) for place in range(10)]
    many = deque([TRADE] * 60)
    view = replace(VIEW, depth=min(10, depth) if depth == 5 else 10, bids=quantities, asks=quantities, trades=many)
    console = Console(width=columns, height=lines, no_color=True)
    with console.capture() as capture:
        console.print(ladder(view, console.size))
    shown = capture.get().splitlines()
    assert lines - 2 <= len(shown) < lines
    assert max(map(len, shown)) <= columns
    assert max(map(len, shown)) > columns - 20
    assert sum("█" in line for line in shown) == 2 * depth
    assert sum(" trade 4 " in line for line in shown) == trades


def test_a_verified_book_says_so_and_a_stale_one_says_why() -> None:
    assert any("✓ verified  epoch 7  seq 1,234  digest 000000ab" in line for line in drawn(VIEW))
    assert any("✗ stale: gap" in line for line in drawn(replace(VIEW, stale=StaleReason.GAP)))


def test_the_plain_line_says_all_of_it() -> None:
    assert plain_line(VIEW) == (
        "ACME bid 40 at 100.00 ask 10 at 100.05 epoch 7 seq 1234 digest 000000ab verified delay 2.5 ms"
    )
    empty = plain_line(replace(VIEW, bids=[], stale=StaleReason.FEED, delay_us=None))
    assert empty == "ACME bid none ask 10 at 100.05 epoch 7 seq 1234 digest 000000ab STALE (feed) delay unknown"


def test_trades_are_lines_and_missing_ones_too() -> None:
    assert plain_trade(TRADE, ACME) == "ACME trade 4 00:00:01.500000 3 at 100.05 bid"
    assert plain_trade(Missing(5, 9), ACME) == "ACME trades 5 to 9 are missing"
    lines = drawn(VIEW)
    assert lines[-2:] == ["ACME trades 5 to 9 are missing", "ACME trade 4 00:00:01.500000 3 at 100.05 bid"]


def test_a_call_is_shown_with_its_auction_in_the_place_of_the_spread() -> None:
    """Its book may be crossed: a spread below 0 says nothing."""
    auction = Auction("ACME", 9, 0, 1, Phase.OPENING, 2_020, 1_200, 300, 3_600_000_000)
    call = replace(VIEW, bids=[(2_040, 5)], auction=auction)
    said = "opening auction 1,200 at 101.00, 300 more bid, until 01:00:00 UTC"
    assert any(said in line for line in drawn(call))
    assert said in plain_line(call)
    assert (
        auction_line(auction._replace(price=0, volume=0, surplus=0, until=0), ACME) == "opening auction without a price"
    )
    assert plain_trade(TRADE._replace(aggressor_side=NoSide.NONE), ACME).endswith("3 at 100.05 in an auction")


def test_a_quiet_book_shows_no_delay_until_a_change_comes() -> None:
    """A snapshot tells when the last change was: "delay 26,809 ms" was the age of the book."""
    book = SimpleNamespace(
        bids=lambda _: [], asks=lambda _: [], epoch=7, seq=1, digest=0, stale=None, changes=1, recoveries=0,
        received_us=30_000_000, time=3_191_000, auction=None,
    )  # fmt: skip
    view = LadderView(ACME, 5)
    for _ in range(2):
        refresh(view, cast("Book", book))
        assert view.delay_us is None
    book.changes, book.seq, book.time, book.received_us = 2, 2, 40_000_000, 40_002_000
    for _ in range(2):
        refresh(view, cast("Book", book))
        assert view.delay_us == 2_000
    book.changes, book.recoveries, book.received_us = 3, 1, 70_000_000
    refresh(view, cast("Book", book))
    assert view.delay_us is None
