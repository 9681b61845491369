"""`outcry watch`: one book, live, until Ctrl-C."""

from __future__ import annotations

import asyncio
from typing import Final

from rich.console import Console
from rich.live import Live

from openoutcry.aio.book import Book
from openoutcry.aio.connect import connect
from openoutcry.aio.market import Market
from openoutcry.aio.tape import Tape
from openoutcry.wire.messages import Trade
from outcry.watch.ladder import LadderView, ladder, plain_line, plain_trade

FRAMES_PER_SECOND: Final = 10
"""How often the terminal is drawn at most; the book itself is followed change by change."""
LINE_S: Final = 1.0
"""Time between two lines where there is no terminal; the trades of that time are lines of their own before it."""
DEPTH: Final = 10


async def watch(url: str, token: str, instrument: str, depth: int = DEPTH, console: Console | None = None) -> None:
    """
    Show a book until cancelled: a ladder on a terminal, plain lines elsewhere.

    Args:
        url: A gateway's, or several, separated by commas.
        token: JWT of the user.
        instrument: Symbol.
        depth: Levels a side: 5, 10, 20 or 50.
        console: Where to write; standard output by default.

    Raises:
        Disconnected: If no gateway answers, or the server sends us away for good.
        RequestRefused: If the instrument is not listed.
    """
    async with connect(url.split(","), token) as market:
        listing = {definition.symbol: definition for definition in await market.instruments()}
        book = await market.book(instrument, depth=depth)
        tape = await market.trades(instrument)
        view = LadderView(listing[instrument], depth)
        screen = console or Console()
        show = _draw if screen.is_terminal else _print
        await show(screen, view, market, book, tape)


async def _draw(console: Console, view: LadderView, market: Market, book: Book, tape: Tape[Trade]) -> None:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            market.check()
            refresh(view, book)
            view.trades.extend(tape.read())
            live.update(ladder(view, console.size), refresh=True)
            await asyncio.sleep(1 / FRAMES_PER_SECOND)


async def _print(console: Console, view: LadderView, market: Market, book: Book, tape: Tape[Trade]) -> None:
    while True:
        market.check()
        refresh(view, book)
        for trade in tape.read():
            console.out(plain_trade(trade, view.instrument), highlight=False)
        console.out(plain_line(view), highlight=False)
        await asyncio.sleep(LINE_S)


def refresh(view: LadderView, book: Book) -> None:
    """Copy the book's present state into the view."""
    view.bids, view.asks = book.bids(view.depth), book.asks(view.depth)
    # A snapshot's time is that of the last change, which in a quiet book is long ago: its age is no delay.
    if view.epoch != book.epoch or view.recoveries != book.recoveries:
        view.delay_us = None
    elif view.changes != book.changes:
        view.delay_us = book.received_us - book.time
    view.epoch, view.seq, view.digest = book.epoch, book.seq, book.digest
    view.stale, view.changes, view.recoveries = book.stale, book.changes, book.recoveries
