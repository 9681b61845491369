"""Where an order of one's own can stand alone."""

from __future__ import annotations

from openoutcry.wire.messages import Snapshot
from openoutcry.wire.types import Side
from outcry.conformance.spread import PRICE_IN_EMPTY_BOOK, price_between, way_through, width


def top(bid: tuple[int, int] | None, ask: tuple[int, int] | None) -> Snapshot:
    bids, asks = ([[*level, 1]] if level else [] for level in (bid, ask))
    return Snapshot("ACME", 1, 1, 1, 1, bids, asks, 0)


def test_the_price_is_above_every_bid_and_below_every_offer() -> None:
    assert price_between(top((99, 5), (102, 5)), 1000) == 100
    assert price_between(top((99, 5), (101, 5)), 1000) == 100


def test_a_closed_spread_has_no_room() -> None:
    assert price_between(top((99, 5), (100, 5)), 1000) is None


def test_an_open_side_ends_at_the_instruments_limits() -> None:
    assert price_between(top((999, 5), None), 1000) == 1000
    assert price_between(top((1000, 5), None), 1000) is None
    assert price_between(top(None, (11, 5)), 1000) == 5


def test_an_empty_book_has_a_price_with_room_on_both_sides() -> None:
    assert price_between(top(None, None), 1_000_000) == PRICE_IN_EMPTY_BOOK
    assert price_between(top(None, None), 1000) == 500


def test_emptier_is_wider() -> None:
    """The widest spread is where checks disturb least."""
    widths = [width(top((99, 5), (101, 5))), width(top((1, 5), (1000, 5))), width(top((99, 5), None))]
    assert sorted([*widths, width(top(None, None))]) == [*widths, width(top(None, None))]


def test_the_way_through_is_the_side_with_fewer_lots() -> None:
    assert way_through(top((99, 5), (100, 7))) == (Side.ASK, [99, 5, 1])
    assert way_through(top((99, 8), (100, 7))) == (Side.BID, [100, 7, 1])
