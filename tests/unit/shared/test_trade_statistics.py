"""What trades add up to."""

from __future__ import annotations

from typing import Any

import pytest

from shared.trade_statistics import TradeStatistics


def test_trades_add_up() -> None:
    """The first price is all four; then each price can only be the last, and a new highest or lowest."""
    statistics = TradeStatistics()
    rows = []
    for price, quantity in ((100, 1), (103, 2), (98, 3), (101, 4)):
        statistics.record(price, quantity)
        rows.append(statistics.row())
    assert rows == [(100, 100, 100, 100, 1), (103, 100, 103, 100, 3), (98, 100, 103, 98, 6), (101, 100, 103, 98, 10)]


def test_they_go_on_from_a_row() -> None:
    """A gateway that joins late and an engine that comes back count on from what was stored."""
    whole, late = TradeStatistics(), TradeStatistics(101, 100, 103, 98, 10)
    for price in (100, 103, 98, 101):
        whole.record(price, 0)
    for statistics in (whole, late):
        statistics.record(97, 5)
    assert late.row() == (97, 100, 103, 97, 15)
    assert whole.row()[:4] == late.row()[:4]


@pytest.mark.parametrize("trade", [("dear", 1), (None, 1), (100, "much"), (100, None)], ids=str)
def test_a_field_of_another_type_changes_nothing(trade: tuple[Any, Any]) -> None:
    """A gateway meets what stands in the feed, and goes on with snapshots; the first trade is no exception."""
    for statistics in (TradeStatistics(), TradeStatistics(101, 100, 103, 98, 10)):
        before = statistics.row()
        with pytest.raises(TypeError):
            statistics.record(*trade)
        assert statistics.row() == before
