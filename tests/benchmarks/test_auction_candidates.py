"""Which candidates are enough for an auction's price, in little."""

from __future__ import annotations

from benchmarks.auction_candidates import RULES, measure
from benchmarks.measure import TINY


def test_with_the_steps_inside_no_book_has_another_price_and_none_falls() -> None:
    """The figures of docs/decisions/0017 are those of all books."""
    [table] = measure(TINY)
    assert [row[0] for row in table.rows] == list(RULES)
    assert table.rows[-1][1:] == [0, 0, 0]
