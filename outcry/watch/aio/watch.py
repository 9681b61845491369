"""`outcry watch`: one book, live, until Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live

from openoutcry.aio.book import Book
from openoutcry.aio.connect import connect
from openoutcry.aio.live_account import LiveAccount
from openoutcry.aio.market import Market
from openoutcry.aio.tape import Tape
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Trade
from outcry.watch.account_line import account_line
from outcry.watch.ladder import LadderView, ladder, plain_line, plain_trade

FRAMES_PER_SECOND: Final = 10
"""How often the terminal is drawn at most; the book itself is followed change by change."""
LINE_S: Final = 1.0
"""Time between two lines where there is no terminal; the trades of that time are lines of their own before it."""
DEPTH: Final = 10


async def watch(
    url: str,
    token: str,
    instrument: str,
    depth: int = DEPTH,
    console: Console | None = None,
    *,
    shows_account: bool = False,
) -> None:
    """
    Show a book until cancelled: a ladder on a terminal, plain lines elsewhere.

    Args:
        url: A gateway's, or several, separated by commas.
        token: JWT of the user.
        instrument: Symbol.
        depth: Levels a side: 5, 10, 20 or 50.
        console: Where to write; standard output by default.
        shows_account: Whether what the user holds is shown too; nothing if the exchange keeps no accounts.

    Raises:
        Disconnected: If no gateway answers, or the server sends us away for good.
        RequestRefused: If the instrument is not listed.
    """
    async with connect(url.split(","), token) as market:
        listing = {definition.symbol: definition for definition in await market.instruments()}
        book = await market.book(instrument, depth=depth)
        tape = await market.trades(instrument)
        view = LadderView(listing[instrument], depth)
        account = await market.account() if shows_account else None
        screen = console or Console()
        show = _draw if screen.is_terminal else _print
        await show(screen, view, market, book, tape, account)


async def _draw(
    console: Console, view: LadderView, market: Market, book: Book, tape: Tape[Trade], account: LiveAccount | None
) -> None:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            market.check()
            refresh(view, book)
            view.trades.extend(tape.read())
            drawn: RenderableType = ladder(view, console.size)
            if holding := _holding(account, view.instrument):
                drawn = Group(drawn, holding)
            live.update(drawn, refresh=True)
            await asyncio.sleep(1 / FRAMES_PER_SECOND)


async def _print(
    console: Console, view: LadderView, market: Market, book: Book, tape: Tape[Trade], account: LiveAccount | None
) -> None:
    told = ""
    while True:
        market.check()
        refresh(view, book)
        for trade in tape.read():
            console.out(plain_trade(trade, view.instrument), highlight=False)
        console.out(plain_line(view), highlight=False)
        if (holding := _holding(account, view.instrument)) and holding != told:
            console.out(holding, highlight=False)
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


def refresh(view: LadderView, book: Book) -> None:
    """Copy the book's present state into the view."""
    view.bids, view.asks = book.bids(view.depth), book.asks(view.depth)
    # A snapshot's time is that of the last change, which in a quiet book is long ago: its age is no delay.
    if view.epoch != book.epoch or view.recoveries != book.recoveries:
        view.delay_us = None
    elif view.changes != book.changes:
        view.delay_us = book.received_us - book.time
    view.epoch, view.seq, view.digest = book.epoch, book.seq, book.digest
    view.auction = book.auction
    view.stale, view.changes, view.recoveries = book.stale, book.changes, book.recoveries
