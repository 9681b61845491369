"""OpenOutcry for people who trade on it: a client whose books are provably the exchange's.

async with connect("ws://127.0.0.1:8101/v1/stream", token) as market:
    book = await market.book("ACME")
    async for update in book:
        print(book.best_bid, book.best_ask, update.stale or "verified")
"""

from __future__ import annotations

from openoutcry.aio.book import Book, BookUpdate
from openoutcry.aio.connect import connect
from openoutcry.aio.market import Market
from openoutcry.aio.token_source import Token
from openoutcry.errors import OutcomeUnknown, RequestRefused
from openoutcry.events import StaleReason
from openoutcry.trade_tape import Missing
from shared.codec import Encoding
from shared.errors import ConfigurationError, Disconnected, OpenOutcryError

__all__ = [
    "Book",
    "BookUpdate",
    "ConfigurationError",
    "Disconnected",
    "Encoding",
    "Market",
    "Missing",
    "OpenOutcryError",
    "OutcomeUnknown",
    "RequestRefused",
    "StaleReason",
    "Token",
    "connect",
]
