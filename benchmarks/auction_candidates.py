"""`python -m benchmarks.auction_candidates`: which prices must be looked at for an auction's price.

All small books are enumerated, at every reference price. Each rule takes the same steps over other candidates. The
definition looks at every tick, which nobody can where market orders have no worst price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations_with_replacement, product
from random import Random
from typing import Final, TypeAlias

from benchmarks.command import run
from benchmarks.measure import Effort
from benchmarks.table import Cell, Table

PRICES: Final = (2, 3, 5, 6)
LOTS: Final = (1, 2)
ORDERS_MAX: Final = 3
"""Of a side of an enumerated book."""
TICKS: Final = range(1, 9)
RANDOM_BOOKS: Final = 60_000
SEED: Final = 1
MARKET: Final = 0
"""The price of an order without a limit."""

Side: TypeAlias = Sequence[tuple[int, int]]
"""Orders as (price, lots)."""
Candidates: TypeAlias = Callable[[Side, Side, int], Iterable[int]]


def limits(bids: Side, asks: Side, reference: int) -> Iterable[int]:
    """Every limit; the reference only where nobody has one."""
    found = {price for price, _ in (*bids, *asks) if price}
    return found or {reference}


def with_reference(bids: Side, asks: Side, reference: int) -> Iterable[int]:
    """Every limit, and the reference."""
    return {price for price, _ in (*bids, *asks) if price} | {reference}


def with_steps(bids: Side, asks: Side, reference: int) -> Iterable[int]:
    """The same, and one step inside each limit: above a bid, below an ask."""
    above, below = {price + 1 for price, _ in bids if price}, {price - 1 for price, _ in asks if price}
    return {*with_reference(bids, asks, reference), *above, *below} - {0}


def every_tick(bids: Side, asks: Side, reference: int) -> Iterable[int]:  # noqa: ARG001 - as the others
    """All prices of an enumerated book."""
    return TICKS


RULES: Final[dict[str, Candidates]] = {
    "every limit; the reference for market orders alone": limits,
    "every limit and the reference": with_reference,
    "every limit, one step inside each, and the reference": with_steps,
}


def price(bids: Side, asks: Side, reference: int, candidates: Candidates) -> int:
    """Return the auction's price by the rule of `services.matching.book.auction_price`; 0: none."""
    found: dict[int, int] = {}
    most = 0
    for at in sorted(candidates(bids, asks, reference)):
        bid = sum([lots for limit, lots in bids if limit >= at or limit == MARKET])
        asked = sum([lots for limit, lots in asks if limit <= at])
        if min(bid, asked) > most:
            most = min(bid, asked)
            found.clear()
        if min(bid, asked) == most:
            found[at] = bid - asked
    if not most:
        return 0
    least = min(map(abs, found.values()))
    left = {at: surplus for at, surplus in found.items() if abs(surplus) == least}
    above, below = [at for at, surplus in left.items() if surplus > 0], [at for at, d in left.items() if d < 0]
    if len(above) == len(left):
        return max(left)
    if len(below) == len(left):
        return min(left)
    nearest = [max(above), min(below)] if above and below else list(left)
    return min(max(reference, min(nearest)), max(nearest))


def measure(effort: Effort) -> list[Table]:
    """Return the table of enumerated books, and that of random ones with market orders."""
    every = list(_books())
    books = every[:: len(every) // effort.cases(len(every))]
    wanted = {book: [price(*book, reference, every_tick) for reference in TICKS] for book in books}
    rows: list[list[Cell]] = []
    for name, candidates in RULES.items():
        found = {book: [price(*book, reference, candidates) for reference in TICKS] for book in books}
        rows.append([name, sum(found[book] != wanted[book] for book in books), sum(map(_falls, found.values()))])
    several = [_random_book(Random(n)) for n in range(effort.cases(RANDOM_BOOKS, 20))]  # noqa: S311 - examples
    for row, candidates in zip(rows, RULES.values(), strict=True):
        row.append(sum(_falls([price(*book, reference, candidates) for reference in TICKS]) for book in several))
    return [
        Table(
            "auction-candidates",
            "The rule of an auction's price over other candidates: how many books have another price than by the "
            "definition, which looks at every tick, and in how many the price falls when the reference rises. Of all "
            f"{len(books):,} books of at most {ORDERS_MAX} limit orders a side, at {len(TICKS)} reference prices. The "
            f"last column is of {len(several):,} random books with market orders.",
            ["candidates", "books with another price", "in which it falls", "with market orders: in which it falls"],
            rows,
        )
    ]


def _books() -> Iterator[tuple[Side, Side]]:
    sides = [
        tuple(zip(prices, lots, strict=True))
        for count in range(ORDERS_MAX + 1)
        for prices in combinations_with_replacement(PRICES, count)
        for lots in product(LOTS, repeat=count)
    ]
    return product(sides, sides)


def _random_book(random: Random) -> tuple[Side, Side]:
    bids, asks = (
        tuple((random.choice((MARKET, *TICKS)), random.randint(1, 4)) for _ in range(random.randint(1, 5)))
        for _ in range(2)
    )
    return bids, asks


def _falls(prices: Sequence[int]) -> bool:
    told = [each for each in prices if each]
    return told != sorted(told)


if __name__ == "__main__":
    run({"benchmarks.auction_candidates": measure})
