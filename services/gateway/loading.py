"""Books from stored snapshots, in steps: a deep one is read while others are served.

Each step handles a bounded number of levels. A step's value says how many, so that whoever drives takes several small
ones in one turn. Owns reading and freeing. Leaves to the replica what is done with a book, and the driving to `aio`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Final, NamedTuple, TypeAlias, TypeVar

from openoutcry.wire.depth_book import DepthBook, DepthSide
from openoutcry.wire.errors import OpenOutcryError
from openoutcry.wire.messages import Level
from shared.logs.snapshots import BookState, BookStateReader, decode_book_state

T = TypeVar("T")

Steps: TypeAlias = Generator[int, None, T]
"""Work in steps, whose values are levels, or orders, handled since the one before; its end has the result."""

LEVELS_A_STEP: Final = 1_000
"""Levels of one step, 2 to 3 ms to read and verify."""
SMALL_BYTES: Final = 32 * 1024
"""A snapshot of no more bytes, some 3,000 levels, is read in one step, which is faster."""


class ReplicaBroken(OpenOutcryError):
    """The copy no longer follows from the feed (a gap, a digest that differs): load the snapshots again."""


class LoadedBook(NamedTuple):
    """A snapshot whose digest has been verified."""

    state: BookState
    """Its levels are left out, if it was read in parts."""
    book: DepthBook
    bid_orders: dict[int, int]
    """Price to orders at it."""
    ask_orders: dict[int, int]


def finish(steps: Steps[T]) -> T:
    """Do all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found


def read_book(data: bytes, time_us: int) -> Steps[LoadedBook]:
    """
    Read a snapshot.

    Raises:
        MalformedMessage: If the bytes are none of this version.
        ReplicaBroken: If its digest is not that of its levels.
    """
    if len(data) <= SMALL_BYTES:
        state = decode_book_state(data)
        loaded = loaded_book(state, time_us)
        yield len(state.bids) + len(state.asks)
        return loaded
    reader = BookStateReader(data)
    book, bid_orders, ask_orders = DepthBook(""), dict[int, int](), dict[int, int]()
    for side, orders in ((book.bids, bid_orders), (book.asks, ask_orders)):
        while (levels := reader.read_levels(LEVELS_A_STEP)) is not None:
            side.load_part(levels)
            _count(orders, levels)
            yield len(levels)
        side.load_end()
    return _verified(reader.state(), book, bid_orders, ask_orders, time_us)


def loaded_book(state: BookState, time_us: int) -> LoadedBook:
    """Return a snapshot's book at once; O(levels log levels). Raises ReplicaBroken as `read_book`."""
    book, bid_orders, ask_orders = DepthBook(""), dict[int, int](), dict[int, int]()
    for side, orders, levels in ((book.bids, bid_orders, state.bids), (book.asks, ask_orders, state.asks)):
        side.replace(levels)
        _count(orders, levels)
    return _verified(state, book, bid_orders, ask_orders, time_us)


def difference(before: DepthSide, after: DepthSide) -> Steps[list[Level]]:
    """Find what must be set on a side to make it another one: absolute quantities, 0 removes; neither may change."""
    found: list[Level] = []
    for number, price in enumerate(before.quantities, 1):
        if price not in after.quantities:
            found.append((price, 0))
        if not number % LEVELS_A_STEP:
            yield LEVELS_A_STEP
    for number, (price, quantity) in enumerate(after.quantities.items(), 1):
        if before.quantities.get(price) != quantity:
            found.append((price, quantity))
        if not number % LEVELS_A_STEP:
            yield LEVELS_A_STEP
    return found


def free(book: DepthBook, *orders: dict[int, int]) -> Steps[None]:
    """Take a book apart that nobody holds any more: to drop 300,000 levels at once takes some 20 ms."""
    for side in (book.bids, book.asks):
        while side.quantities:
            side.forget_part(LEVELS_A_STEP)
            yield LEVELS_A_STEP
    for counts in orders:
        while counts:
            for _ in range(min(len(counts), LEVELS_A_STEP)):
                counts.popitem()
            yield LEVELS_A_STEP


def _count(orders: dict[int, int], levels: Iterable[Level]) -> None:
    orders.update((level[0], level[2]) for level in levels)


def _verified(
    state: BookState, book: DepthBook, bid_orders: dict[int, int], ask_orders: dict[int, int], time_us: int
) -> LoadedBook:
    book.instrument, book.epoch, book.seq, book.time = state.instrument, state.epoch, state.seq, time_us
    if book.digest != state.digest:
        raise ReplicaBroken(f"{state.instrument}: the stored snapshot at seq {state.seq} has digest {book.digest}")
    return LoadedBook(state, book, bid_orders, ask_orders)
