"""What is said of a book says what it is worth."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from openoutcry.aio.book import Book
from openoutcry.events import StaleReason
from openoutcry.trade_tape import Missing
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Trade
from openoutcry.wire.types import NoSide, Phase, Side
from outcry.terminal.aio.line_watch import refresh
from outcry.terminal.book_line import BookSeen, auction_line, book_line, trade_line
from outcry.terminal.money import money

ACME = Instrument("ACME", name="ACME common stock", tick_size="0.05")
TRADE = Trade("ACME", 9, 4, 1_500_000, 2_001, 3, Side.BID)
VIEW = BookSeen(
    ACME,
    bids=[(2_000, 40), (1_999, 20)],
    asks=[(2_001, 10)],
    epoch=7,
    seq=1_234,
    digest=0xAB,
    stale=None,
    delay_us=2_500,
)


def test_prices_are_in_the_instrument_s_money() -> None:
    assert money(2_000, ACME) == "100.00"
    assert money(30_000_001, Instrument("X", tick_size="1")) == "30,000,001"


def test_the_line_says_all_of_it() -> None:
    assert book_line(VIEW) == (
        "ACME bid 40 at 100.00 ask 10 at 100.05 epoch 7 seq 1234 digest 000000ab verified delay 2.5 ms"
    )
    empty = book_line(replace(VIEW, bids=[], stale=StaleReason.FEED, delay_us=None))
    assert empty == "ACME bid none ask 10 at 100.05 epoch 7 seq 1234 digest 000000ab STALE (feed) delay unknown"


def test_trades_are_lines_and_missing_ones_too() -> None:
    assert trade_line(TRADE, ACME) == "ACME trade 4 00:00:01.500000 3 at 100.05 bid"
    assert trade_line(Missing(5, 9), ACME) == "ACME trades 5 to 9 are missing"


def test_a_call_is_told_with_its_auction() -> None:
    """Its book may be crossed."""
    auction = Auction("ACME", 9, 0, 1, Phase.OPENING, 2_020, 1_200, 300, 3_600_000_000)
    call = replace(VIEW, bids=[(2_040, 5)], auction=auction)
    said = "opening auction 1,200 at 101.00, 300 more bid, until 01:00:00 UTC"
    assert said in book_line(call)
    assert (
        auction_line(auction._replace(price=0, volume=0, surplus=0, until=0), ACME) == "opening auction without a price"
    )
    assert trade_line(TRADE._replace(aggressor_side=NoSide.NONE), ACME).endswith("3 at 100.05 in an auction")


def test_a_quiet_book_shows_no_delay_until_a_change_comes() -> None:
    """A snapshot tells when the last change was: "delay 26,809 ms" was the age of the book."""
    book = SimpleNamespace(
        bids=lambda _: [], asks=lambda _: [], epoch=7, seq=1, digest=0, stale=None, changes=1, recoveries=0,
        received_us=30_000_000, time=3_191_000, auction=None,
    )  # fmt: skip
    view = BookSeen(ACME)
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
