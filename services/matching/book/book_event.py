"""What a book answers: what has happened in it, and to which orders."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from openoutcry.wire.types import Code
from services.matching.book.order import Order


class Fill(NamedTuple):
    """The arriving order (taker) traded with a resting one (maker), at the maker's price."""

    trade_id: int
    """Contiguous in the book, from 1."""
    price: int
    quantity: int
    maker: Order
    maker_remaining: int
    taker: Order
    taker_remaining: int


class AuctionFill(NamedTuple):
    """Two orders that both waited traded at the auction's price."""

    trade_id: int
    """As `Fill`."""
    price: int
    quantity: int
    bid: Order
    bid_remaining: int
    ask: Order
    ask_remaining: int


class Cancelled(NamedTuple):
    """An order ended unfilled or partly filled; its `remaining` lots will not trade."""

    order: Order
    reason: Code


class Replaced(NamedTuple):
    """A resting order has a new price or quantity; the order holds them."""

    order: Order
    remaining: int
    """Lots left before any fill that follows in the same answer."""


class BookRefusal(NamedTuple):
    """Nothing happened, because a rule forbids it."""

    order: Order
    code: Code


BookEvent: TypeAlias = Fill | Cancelled | Replaced | BookRefusal | AuctionFill
