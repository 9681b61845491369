"""A seeded flow: a quarter cancels, one in twenty a market order, the rest limits, of which one in ten crosses.

Differs from the generator of matching-engine, which has the same shares, in two things, so that every peer can be held
to the same trades: cancels name orders that rest, and buyers and sellers are different accounts, since not everybody
prevents self-trades.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from benchmarks.engine.contestants.openoutcry import Book
from benchmarks.engine.flow import BID, CANCEL, LIMIT, MARKET, Row

CANCELS: Final = 0.25
MARKETS: Final = 0.05
CROSSING: Final = 0.1
"""Of the limits: up to CROSS_TICKS beyond the mid price, where the other side's best orders are."""
MID: Final = 100_000
DEPTH_TICKS: Final = 50
CROSS_TICKS: Final = 5
QUANTITY_MAX: Final = 100
ACCOUNTS_A_SIDE: Final = 500


def synthetic(seed: int, commands: int) -> Iterator[Row]:
    """Yield this many commands; command n, from 1, places order n unless it is a cancel."""
    random = Random(seed)  # noqa: S311 - a flow, no secrets
    book = Book()
    placed: list[Row] = []  # limits, of which some have ended since: those are dropped when they are drawn
    for number in range(1, commands + 1):
        victim = _victim(random, placed, book) if random.random() < CANCELS else None
        row = _order(random, number) if victim is None else Row(CANCEL, victim.order_id, 0, 0, 0, victim.account)
        book.play(book.prepare([row]))
        if row.kind == LIMIT:
            placed.append(row)
        yield row


def _order(random: Random, number: int) -> Row:
    side = random.randrange(2)
    quantity = 1 + random.randrange(QUANTITY_MAX)
    account = 1 + random.randrange(ACCOUNTS_A_SIDE) + side * ACCOUNTS_A_SIDE
    if random.random() < MARKETS / (1 - CANCELS):
        return Row(MARKET, number, side, 0, quantity, account)
    crosses = random.random() < CROSSING
    offset = -random.randrange(CROSS_TICKS) if crosses else 1 + random.randrange(DEPTH_TICKS)
    return Row(LIMIT, number, side, MID - offset if side == BID else MID + offset, quantity, account)


def _victim(random: Random, placed: list[Row], book: Book) -> Row | None:
    """Return a resting order to cancel and forget it; None if none rests."""
    while placed:
        drawn = random.randrange(len(placed))
        placed[drawn], placed[-1] = placed[-1], placed[drawn]
        row = placed.pop()
        if row.order_id in book.book.orders:
            return row
    return None
