"""`outcry watch` where there is no terminal: a line a second, and one a trade, until Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from rich.console import Console

from openoutcry.aio.book import Book
from openoutcry.aio.connect import connect
from openoutcry.aio.live_account import LiveAccount
from openoutcry.wire.instrument import Instrument
from outcry.terminal.account_line import account_line
from outcry.terminal.book_line import BookSeen, book_line, trade_line

LINE_S: Final = 1.0
"""Time between two lines of the book; the trades of that time are lines of their own before it."""
DEPTH: Final = 10


async def watch_lines(
    url: str,
    token: str,
    instrument: str,
    depth: int = DEPTH,
    console: Console | None = None,
    *,
    shows_account: bool = False,
) -> None:
    """
    Print a book until cancelled.

    Args:
        url: A gateway's, or several, separated by commas.
        token: JWT of the user.
        instrument: Symbol.
        depth: Levels a side that are followed and verified: 5, 10, 20 or 50.
        console: Where to write; standard output by default.
        shows_account: Whether what the user holds is shown too; nothing if the exchange keeps no accounts.

    Raises:
        Disconnected: If no gateway answers, or the server sends us away for good.
        RequestRefused: If the instrument is not listed.
    """
    screen = console or Console()
    async with connect(url.split(","), token) as market:
        listing = {definition.symbol: definition for definition in await market.instruments()}
        book = await market.book(instrument, depth=depth)
        tape = await market.trades(instrument)
        seen, told = BookSeen(listing[instrument]), ""
        account = await market.account() if shows_account else None
        while True:
            market.check()
            refresh(seen, book)
            for trade in tape.read():
                screen.out(trade_line(trade, seen.instrument), highlight=False)
            screen.out(book_line(seen), highlight=False)
            if (holding := _holding(account, seen.instrument)) and holding != told:
                screen.out(holding, highlight=False)
                told = holding
            await asyncio.sleep(LINE_S)


def _holding(account: LiveAccount | None, instrument: Instrument) -> str:
    """Return what the user holds in words, or that it may be otherwise; empty if there is nothing to say."""
    if account is None or not account.keeps_accounts:
        return ""
    currency = instrument.currency
    line = account_line(
        instrument,
        account.holdings.get(instrument.symbol),
        account.cash.get(currency, 0),
        account.free.get(currency, 0),
        account.results.get(currency, 0),
        time.time_ns() // 1_000,
    )
    return line if account.stale is None else f"{line} (stale: {account.stale})"


def refresh(seen: BookSeen, book: Book) -> None:
    """Copy the book's present state."""
    seen.bids, seen.asks = book.bids(1), book.asks(1)
    # A snapshot's time is that of the last change, which in a quiet book is long ago: its age is no delay.
    if seen.epoch != book.epoch or seen.recoveries != book.recoveries:
        seen.delay_us = None
    elif seen.changes != book.changes:
        seen.delay_us = book.received_us - book.time
    seen.epoch, seen.seq, seen.digest = book.epoch, book.seq, book.digest
    seen.auction = book.auction
    seen.stale, seen.changes, seen.recoveries = book.stale, book.changes, book.recoveries
