"""
OpenOutcry for people who trade on it: a client whose books are provably the exchange's.

    import asyncio, openoutcry

    async def main():
        async with openoutcry.connect("ws://127.0.0.1:8101/v1/stream", TOKEN) as market:
            book = await market.book("ACME")
            async for update in book:
                print(book.best_bid, book.best_ask, update.stale or "verified")

    asyncio.run(main())

Where to begin
    connect             is entered with `async with` and gives a Market; reconnects by itself. Token
                        says what its `token` may be, Encoding what its `encoding`: "msgpack" or "json"
    Market              what you follow, ask and order

What you follow: each can be read at any time, and looped over with `async for`
    Book                of `await market.book(symbol)`: levels, best prices, `stale`; yields BookUpdate.
                        In a call its `auction`, an Auction, is what it would come to now
    LiveTicker          of `market.ticker`: best prices and statistics, as Ticker
    Tape                of `market.trades`, each a Trade, of `account.executions()`, each an Execution,
                        and of `account.transfers()`, each a Transfer of a TransferKind; a Missing
                        stands in the place of those that will not come
    LiveAccount         of `market.account()`: your orders (OpenOrder), positions and cash. If it
                        `keeps_accounts`: holdings (HeldLots, of which RestrictedLots wait) and what
                        your orders reserve
    Terms               of `market.terms(symbol)`: the reference price and how far from it orders may be
    Status              of `market.status()`: the state of an instrument, or of the gateway's feed
    StaleReason         why the client cannot vouch for a book or an account at present

What you order: integers, prices in ticks and quantities in lots
    Reply               to an order or a request, `ok`; `data["order_id"]` names the order
    Instrument          of `market.instruments()`; `ticks("99.90")` makes ticks of money, and `amount`
                        money of ticks
    QuotedPair          both sides of an instrument, for `market.quote`
    TickTable           of `market.tick_table(symbol)`: which prices there are; `round_down(price)`
    Side, OrderKind, TimeInForce, SelfTradePrevention
                        the terms of an order, as members or as their words: Side.BID or "bid"
    MarketState, Phase, NoSide, ExecutionEvent, Liquidity, Code
                        what messages say, as members that equal their words

What can go wrong: each is an OpenOutcryError
    OrderRefused        the exchange said no to an order; `code` (a Code) and `text` say why
    RequestRefused      the same of a subscription and of all else; an OrderRefused is one too
    OutcomeUnknown      the answer was lost: the order may stand or not; to repeat it under its
                        client_order_id is safe
    Disconnected        there is no connection at present, or the market has ended; `code` says why
    InvalidArgument     a price of 99.9, for example; nothing was sent. Also a ValueError
    ConfigurationError  a URL, a token or an encoding that is none

Times are microseconds since 1970 UTC. Any number of tasks of one event loop may use a market. To test
your own programs against a server that misbehaves on purpose: openoutcry.testing.
"""

from __future__ import annotations

from openoutcry.aio.book import Book, BookUpdate
from openoutcry.aio.connect import connect
from openoutcry.aio.live_account import LiveAccount
from openoutcry.aio.live_ticker import LiveTicker
from openoutcry.aio.market import Market
from openoutcry.aio.tape import Tape
from openoutcry.aio.token_source import Token
from openoutcry.errors import Disconnected, OrderRefused, OutcomeUnknown, RequestRefused
from openoutcry.events import StaleReason
from openoutcry.held_lots import HeldLots, RestrictedLots
from openoutcry.trade_tape import Missing
from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import ConfigurationError, InvalidArgument, OpenOutcryError
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Execution, OpenOrder, Reply, Status, Terms, Ticker, Trade, Transfer
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.tick_table import TickTable
from openoutcry.wire.types import (
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    NoSide,
    OrderKind,
    Phase,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TransferKind,
)

__all__ = [
    "Auction",
    "Book",
    "BookUpdate",
    "Code",
    "ConfigurationError",
    "Disconnected",
    "Encoding",
    "Execution",
    "ExecutionEvent",
    "HeldLots",
    "Instrument",
    "InvalidArgument",
    "Liquidity",
    "LiveAccount",
    "LiveTicker",
    "Market",
    "MarketState",
    "Missing",
    "NoSide",
    "OpenOrder",
    "OpenOutcryError",
    "OrderKind",
    "OrderRefused",
    "OutcomeUnknown",
    "Phase",
    "QuotedPair",
    "Reply",
    "RequestRefused",
    "RestrictedLots",
    "SelfTradePrevention",
    "Side",
    "StaleReason",
    "Status",
    "Tape",
    "Terms",
    "TickTable",
    "Ticker",
    "TimeInForce",
    "Token",
    "Trade",
    "Transfer",
    "TransferKind",
    "connect",
]
