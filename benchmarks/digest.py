"""`python -m benchmarks.digest`: what proving a book costs, and what each kind of proof fails to see.

Beside this protocol's digest stands the CRC32 of the best 10 or 25 levels as text, as some venues publish it: price and
quantity written one after the other, asks from the best, then bids from the best. It has to be computed again for every
check; a digest that is a sum is only carried on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Final, TypeAlias

from benchmarks.books import book
from benchmarks.command import run
from benchmarks.measure import Effort, Timing, time_call
from benchmarks.table import Cell, Table
from openoutcry.wire.depth_book import DepthBook, DepthSide
from openoutcry.wire.digest import ASK, BID, book_digest, level_digest, mix
from services.matching.book.level_hashes import mixed

SEED: Final = 1
DEPTHS: Final = (10, 100, 1_000, 5_000)
PLANTINGS: Final = 100_000
PLANTED_DEPTH: Final = 100
"""Levels a side of the book in which corruptions are planted."""
QUANTITY_BITS: Final = 9
LOST_LEVELS_MAX: Final = 5
SMALL_PRICES: Final = 16_000
SMALL_QUANTITIES: Final = 64
SECOND_KEY: Final = 0x9E3779B9
"""Makes another hash of the same level, for the digest that is not used."""

Planting: TypeAlias = Iterator[None]
"""Corrupts a book up to its first yield, and mends it after."""


def crc32_of_best(replica: DepthBook, depth: int) -> int:
    """Return the CRC32 of the best levels as text; 0 takes all."""
    asks = "".join([f"{price}{quantity}" for price, quantity in replica.asks.levels(depth)])
    bids = "".join([f"{price}{quantity}" for price, quantity in replica.bids.levels(depth)])
    return zlib.crc32((asks + bids).encode())


def measure(effort: Effort) -> list[Table]:
    """Return the tables of cost by depth, of cost by level, and of what goes undetected."""
    return [
        Table(
            "digest-per-level",
            "CPU µs to hash one level in Python: computed, and remembered from an earlier time.",
            ["level hash", "µs"],
            [["computed", _level_cost(_cold, effort)], ["remembered", _level_cost(level_digest, effort)]],
        ),
        Table(
            "digest-per-check",
            "CPU µs to bring a book from one verified state to the next when one level changes, the change of the "
            "level included. Only the first column proves the whole book without looking at all of it.",
            [
                "levels a side",
                "this digest, carried on",
                "this digest, computed whole",
                "CRC32 of the best 10",
                "CRC32 of the best 25",
                "CRC32 of all",
            ],
            [_check_costs(depth, effort) for depth in DEPTHS],
        ),
        _detection(effort.cases(PLANTINGS, len(CORRUPTIONS))),
        _equal_books(effort.cases(SMALL_PRICES, 10), effort.cases(SMALL_QUANTITIES, 10)),
    ]


def _cold(side: int, price: int, quantity: int) -> int:
    """The level's hash without its cache."""
    return mix(mix(price ^ (side << 31)) ^ quantity)


def _level_cost(hashed: Callable[[int, int, int], int], effort: Effort) -> Timing:
    levels = [(BID, 100_000 - n, 1 + n % 500) for n in range(200)]

    def hash_all() -> None:
        for side, price, quantity in levels:
            hashed(side, price, quantity)

    return time_call(hash_all, effort).per(len(levels))


def _check_costs(depth: int, effort: Effort) -> list[Cell]:
    replica = book(depth, _random())
    price = replica.bids.best()
    quantities = [replica.bids.quantities[price], replica.bids.quantities[price] + 1]

    def checked(check: Callable[[], int]) -> Timing:
        def change_twice() -> None:
            for quantity in quantities:
                replica.bids.set(price, quantity)
                check()

        return time_call(change_twice, effort).per(len(quantities))

    return [
        depth,
        checked(lambda: replica.digest),
        checked(lambda: book_digest(replica.bids.levels(), replica.asks.levels())),
        *(checked(partial(crc32_of_best, replica, best)) for best in (10, 25, 0)),
    ]


def _detection(plantings: int) -> Table:
    random = Random(SEED)  # noqa: S311 - faults, no secrets
    replica = book(PLANTED_DEPTH, random)
    proofs: list[Callable[[], int]] = [
        lambda: replica.digest,
        partial(crc32_of_best, replica, 10),
        partial(crc32_of_best, replica, 25),
    ]
    good = [proof() for proof in proofs]
    each = plantings // len(CORRUPTIONS)
    rows: list[list[Cell]] = []
    for name, plant in CORRUPTIONS.items():
        missed = [0] * len(proofs)
        for _ in range(each):
            planting = plant(replica, random)
            next(planting)
            for n, proof in enumerate(proofs):
                missed[n] += proof() == good[n]
            next(planting, None)
        rows.append([name, each, *missed])
    assert [proof() for proof in proofs] == good, "a corruption was not mended"
    return Table(
        "digest-detection",
        f"Corruptions planted at random in a book of {PLANTED_DEPTH} levels a side, every level equally likely, and "
        f"how many of them the proof did not see. By chance a 32-bit proof misses one in 2³²: "
        f"{each / 2**32:.6f} of {each:,}.",
        ["corruption", "planted", "this digest missed", "CRC32 of the best 10 missed", "CRC32 of the best 25 missed"],
        rows,
    )


def _equal_books(prices: int, quantities: int) -> Table:
    """Count, among all books of a single level, the pairs that a digest of 32 or of 53 bits takes for equal."""
    short: list[int] = []
    wide: list[int] = []
    changes_missed = 0
    for side in (BID, ASK):
        for price in range(1, prices + 1):
            key = mix(price ^ (side << 31))
            hashes = mixed([key ^ quantity for quantity in range(1, quantities + 1)])
            more = mixed([hashed ^ SECOND_KEY for hashed in mixed([key ^ (q << 8) for q in range(1, quantities + 1)])])
            changes_missed += quantities - len(set(hashes))
            short += hashes
            wide += [hashed | (second >> 11) << 32 for hashed, second in zip(hashes, more, strict=True)]
    books = len(short)
    pairs = books * (books - 1) // 2
    return Table(
        "digest-equal",
        f"All {books:,} books of a single level at {prices:,} prices a side with up to {quantities:,} lots: pairs of "
        f"two books that have the same digest, of {pairs:,}, and those that differ in quantity alone. Beside the "
        "digest of 32 bits one of 53, of two sums, all that JavaScript's numbers hold.",
        ["digest", "equal pairs", "by chance", "of these in quantity alone"],
        [
            ["32 bits", books - len(set(short)), round(pairs / 2**32, 1), changes_missed],
            ["53 bits", books - len(set(wide)), round(pairs / 2**53, 4), 0],
        ],
    )


def _flipped_bit(replica: DepthBook, random: Random) -> Planting:
    """A bit of one level's quantity is turned over."""
    side, price, quantity = _level(replica, random)
    side.set(price, quantity ^ (1 << random.randrange(QUANTITY_BITS)) or 1 << QUANTITY_BITS)
    yield
    side.set(price, quantity)


def _off_by_one(replica: DepthBook, random: Random) -> Planting:
    """One level holds one lot too many."""
    side, price, quantity = _level(replica, random)
    side.set(price, quantity + 1)
    yield
    side.set(price, quantity)


def _swapped_sides(replica: DepthBook, random: Random) -> Planting:
    """One level stands on the other side, at its price."""
    side, price, quantity = _level(replica, random)
    other = replica.asks if side.side == BID else replica.bids
    side.set(price, 0)
    other.set(price, quantity)
    yield
    other.set(price, 0)
    side.set(price, quantity)


def _lost_delta(replica: DepthBook, random: Random) -> Planting:
    """One to five changes have not been applied: levels hold what they held before, or are missing, or still there."""
    kept = []
    for _ in range(1 + random.randrange(LOST_LEVELS_MAX)):
        side, price, quantity = _level(replica, random)
        kept.append((side, price, quantity))
        side.set(price, 0 if random.random() < 0.3 else _other_quantity(quantity, random))
    yield
    for side, price, quantity in reversed(kept):
        side.set(price, quantity)


def _swapped_quantities(replica: DepthBook, random: Random) -> Planting:
    """Two levels have each other's quantity: a plain sum of levels would not see it."""
    side, price, quantity = _level(replica, random)
    other, second, amount = _level(replica, random)
    while amount == quantity:
        other, second, amount = _level(replica, random)
    side.set(price, amount)
    other.set(second, quantity)
    yield
    other.set(second, amount)
    side.set(price, quantity)


CORRUPTIONS: Final[dict[str, Callable[[DepthBook, Random], Planting]]] = {
    "a flipped bit": _flipped_bit,
    "off by one": _off_by_one,
    "on the wrong side": _swapped_sides,
    "a lost delta": _lost_delta,
    "quantities exchanged": _swapped_quantities,
}


def _level(replica: DepthBook, random: Random) -> tuple[DepthSide, int, int]:
    side = replica.bids if random.random() < 0.5 else replica.asks
    prices = side.prices()
    price = prices[int(random.random() * len(prices))]
    return side, price, side.quantities[price]


def _other_quantity(quantity: int, random: Random) -> int:
    return 1 + (quantity + random.randrange(498)) % 500


def _random() -> Random:
    return Random(SEED)  # noqa: S311 - examples, no secrets


if __name__ == "__main__":
    run({"benchmarks.digest": measure})
