"""Sentences for orders that are refused by a book, or are not there."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.types import LEVEL_QUANTITY_MAX, Code
from services.matching.book.book_event import BookRefusal
from services.matching.traded_instrument import Refusal
from shared.logs.commands import CancelOrder, ReplaceOrder

_NO_ID: Final = Refusal(Code.UNKNOWN_ORDER, "order_id: no open order of yours has this id")
_NO_NAME: Final = Refusal(Code.UNKNOWN_ORDER, "client_order_id: no open order of yours has this id")


def late_refusal(symbol: str) -> Refusal:
    """Return how what could trade is answered before all has happened that is due."""
    return Refusal(Code.BUSY, f"instrument: {symbol} waits until all that is due has happened; send it again")


def not_found(command: CancelOrder | ReplaceOrder) -> Refusal:
    """Return how a command ends that names no open order of its user."""
    return _NO_ID if command.order_id else _NO_NAME


def in_words(refused: BookRefusal, price: int, field: str, what: str) -> Refusal:
    """Return why a book did not take an order; `what` would trade at its price, which is a field's fault."""
    if refused.code is Code.WOULD_TRADE:
        return Refusal(Code.WOULD_TRADE, f"{field}: {what} would trade at {price} ticks")
    rule = f"all orders at one price hold at most {LEVEL_QUANTITY_MAX} lots, those at {price} ticks would hold more"
    return Refusal(refused.code, f"quantity: {rule}")
