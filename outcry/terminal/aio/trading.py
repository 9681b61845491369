"""`outcry trade` and `outcry watch` on a terminal: connect, follow, and show until it is left."""

from __future__ import annotations

import sys

from openoutcry.aio.connect import connect
from openoutcry.errors import RequestRefused
from openoutcry.wire.types import Code
from outcry.terminal.aio.market_desk import MarketDesk
from outcry.terminal.aio.trade_app import TradeApp

DEPTH = 50
"""Levels a side; as many as the deepest window has."""


async def trade(
    url: str,
    token: str,
    instrument: str = "",
    depth: int = DEPTH,
    *,
    is_trading: bool = True,
    shows_account: bool = True,
) -> None:
    """
    Show the screen until it is left.

    Args:
        url: A gateway's, or several, separated by commas.
        token: JWT of the user.
        instrument: Symbol; empty is the first that is listed.
        depth: Levels a side: 5, 10, 20 or 50.
        is_trading: Whether orders can be entered.
        shows_account: Whether the user's own things are shown.

    Raises:
        Disconnected: If no gateway answers, or the server sends us away for good.
        RequestRefused: If the instrument is not listed.
    """
    async with connect(url.split(","), token) as market:
        listing = await market.instruments()
        if not listing:
            raise RequestRefused(Code.UNKNOWN_INSTRUMENT, "instrument: none is listed")
        await market.follow_status()
        account = await market.account() if shows_account else None
        desk = MarketDesk(market, listing, depth, account)
        await desk.open(instrument or listing[0].symbol)
        app = TradeApp(desk, is_trading=is_trading)
        await app.run_async()
        if app.return_code:  # a fault of ours, which Textual has told
            sys.exit(app.return_code)
        market.check()
