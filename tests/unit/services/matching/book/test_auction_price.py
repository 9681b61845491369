"""The price of an auction against its definition, which tries every tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openoutcry.wire.tick_table import NO_TABLE, TickTable
from openoutcry.wire.types import PRICE_MAX
from services.matching.book.auction_price import NO_PRICE, AuctionPrice, Lots, Meeting, auction_price
from tests.property.weights import of_any_length

MARKET = 0
"""The price of an order without a limit."""
TABLE = TickTable([(1, 1), (100, 5)])
"""From 100 ticks on prices are multiples of 5."""


def priced(bids: Sequence[Lots], asks: Sequence[Lots], reference: int = 0, ticks: TickTable = NO_TABLE) -> AuctionPrice:
    """Orders in any order, as (price, lots)."""
    return auction_price(levels(bids)[::-1], levels(asks), at(bids, MARKET), at(asks, MARKET), reference, ticks)


def levels(orders: Sequence[Lots]) -> list[Lots]:
    return [(price, at(orders, price)) for price in sorted({price for price, _ in orders if price})]


def at(orders: Iterable[Lots], price: int) -> int:
    return sum(lots for limit, lots in orders if limit == price)


def defined(bids: Sequence[Lots], asks: Sequence[Lots], reference: int, prices: Iterable[int]) -> AuctionPrice:
    """The rule of the module's docstring, word by word."""
    bid = {p: sum(lots for limit, lots in bids if limit == MARKET or limit >= p) for p in prices}
    asked = {p: sum(lots for limit, lots in asks if limit <= p) for p in bid}
    traded = {p: min(bid[p], asked[p]) for p in bid}
    volume = max(traded.values(), default=0)
    if not volume:
        return NO_PRICE
    left = {p: bid[p] - asked[p] for p in bid if traded[p] == volume}
    least = min(map(abs, left.values()))
    left = {p: d for p, d in left.items() if abs(d) == least}
    above, below = [p for p, d in left.items() if d > 0], [p for p, d in left.items() if d < 0]
    if len(above) == len(left):
        price = max(left)
    elif len(below) == len(left):
        price = min(left)
    else:
        count = [max(above), min(below)] if above and below else list(left)
        price = min(max(reference, min(count)), max(count)) if reference else min(count)
    return AuctionPrice(price, volume, left[price])


def candidates(bids: Sequence[Lots], asks: Sequence[Lots], reference: int, ticks: TickTable) -> set[int]:
    limits = [p for p, _ in bids if p], [p for p, _ in asks if p]
    inside = {*map(ticks.step_up, limits[0]), *map(ticks.step_down, limits[1])}
    return {*limits[0], *limits[1], *inside, reference} - {0, PRICE_MAX + 1}


SIDES = [
    tuple(zip(prices, lots, strict=True))
    for count in range(4)
    for prices in combinations_with_replacement((2, 3, 5, 6), count)
    for lots in product((1, 2), repeat=count)
]
REFERENCES = range(9)


def test_the_price_is_that_of_the_definition_which_tries_every_tick() -> None:
    """43,681 small books of limit orders, each at two references."""
    assert len(SIDES) ** 2 == 43_681
    for n, bids in enumerate(SIDES):
        for m, asks in enumerate(SIDES):
            for reference in REFERENCES[(n + m) % 5 :: 5]:
                expected = defined(bids, asks, reference, range(1, 9))
                assert priced(bids, asks, reference) == expected, (bids, asks, reference)


def test_the_price_never_falls_when_the_reference_rises() -> None:
    """Else who moves the last price up a tick before the call buys cheaper in it."""
    for bids in SIDES[::3]:
        for asks in SIDES[::3]:
            prices = [priced(bids, asks, reference).price for reference in REFERENCES[1:]]
            assert prices == sorted(prices), (bids, asks)


ORDER = st.tuples(st.integers(1, 9) | st.just(MARKET), st.integers(1, 4))
FAR = st.sampled_from([MARKET, *range(80, 100, 3), *range(100, 140, 5), 101, 104, 113])
"""Some of them from before the table was set."""


@given(of_any_length(ORDER, 6), of_any_length(ORDER, 6), st.integers(1, 10))
@settings(max_examples=800, deadline=None)
def test_with_market_orders_the_candidates_decide(bids: list[Lots], asks: list[Lots], reference: int) -> None:
    """Every tick would be without bound: market orders trade at any price."""
    expected = defined(bids, asks, reference, candidates(bids, asks, reference, NO_TABLE))
    assert priced(bids, asks, reference) == expected
    assert priced(bids, asks, reference).price <= priced(bids, asks, reference + 1).price
    assert priced(bids, asks) == defined(bids, asks, 0, candidates(bids, asks, 0, NO_TABLE))


@given(
    of_any_length(st.tuples(FAR, st.integers(1, 3)), 5),
    of_any_length(st.tuples(FAR, st.integers(1, 3)), 5),
    FAR.map(TABLE.round_down),
)
@settings(max_examples=500, deadline=None)
def test_one_step_is_one_of_the_tick_table(bids: list[Lots], asks: list[Lots], reference: int) -> None:
    """From 100 ticks on the next price is five ticks away."""
    assert priced(bids, asks, reference, TABLE) == defined(
        bids, asks, reference, candidates(bids, asks, reference, TABLE)
    )


@pytest.mark.parametrize(
    ("bids", "asks", "reference", "expected"),
    [
        # Without the steps inside, the price would fall from 9,999 to 9,000 when the reference rises by one.
        ([(10_000, 100)], [(9_000, 100), (10_000, 50)], 9_999, (9_999, 100, 0)),
        ([(10_000, 100)], [(9_000, 100), (10_000, 50)], 10_000, (9_999, 100, 0)),
        ([(3, 1)], [(MARKET, 2), (6, 3)], 2, (2, 1, -1)),
        # Market orders against each other need the reference.
        ([(MARKET, 100)], [(MARKET, 60)], 95, (95, 60, 40)),
        ([(MARKET, 100)], [(MARKET, 60)], 0, (0, 0, 0)),
        # One resting lot does not price what twenty others trade.
        ([(MARKET, 10), (50, 1)], [(MARKET, 10)], 100, (100, 10, 0)),
        ([(MARKET, 50)], [(100, 30)], 200, (200, 30, 20)),
        ([(MARKET, 50)], [(100, 30)], 90, (100, 30, 20)),
        # Nothing crosses, or nobody is there.
        ([(99, 5)], [(100, 5)], 100, (0, 0, 0)),
        ([], [(100, 5)], 100, (0, 0, 0)),
        # The ends of all prices: no step leads beyond them.
        ([(MARKET, 5), (2**31 - 1, 3)], [(MARKET, 2)], 7, (2**31 - 1, 2, 6)),
        ([(MARKET, 2)], [(MARKET, 5), (1, 3)], 7, (1, 2, -6)),
        ([(MARKET, 5), (2**31 - 1, 3)], [(MARKET, 5)], 7, (2**31 - 1, 5, 3)),
        ([(MARKET, 5)], [(MARKET, 5), (1, 3)], 7, (1, 5, -3)),
    ],
)
def test_the_numbers_of_the_rule(
    bids: list[Lots], asks: list[Lots], reference: int, expected: tuple[int, int, int]
) -> None:
    """Each is a case that a simpler rule gets wrong."""
    assert priced(bids, asks, reference) == AuctionPrice(*expected)
    assert defined(bids, asks, reference, candidates(bids, asks, reference, NO_TABLE)) == AuctionPrice(*expected)


def test_only_levels_that_trade_are_looked_at() -> None:
    """And one more of each side: the book behind them may be as deep as it likes."""
    bids, asks = [(100 - n, 1) for n in range(50)], [(91 + n, 1) for n in range(50)]
    assert auction_price(bids, asks) == auction_price(bids[:6], asks[:6]) == AuctionPrice(95, 5, 1)
    met = Meeting(bids, asks, 0, 0)
    assert (met.bids_taken, met.asks_taken, met.next_bid, met.next_ask) == (5, 5, (95, 1), (96, 1))
