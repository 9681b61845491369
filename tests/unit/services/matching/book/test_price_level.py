"""Time priority at one price."""

from __future__ import annotations

from services.matching.book.price_level import PriceLevel
from tests.unit.services.matching.flow import ask


def test_keeps_the_order_of_arrival() -> None:
    """First come, first served is the promise that a price level exists for."""
    level = PriceLevel(100)
    for order_id in (3, 1, 2):
        level.append(ask(order_id, 100, 5))
    assert [order.order_id for order in level] == [3, 1, 2]
    level.check_invariants()


def test_an_order_leaves_from_anywhere() -> None:
    """Cancels hit the middle of a queue; the others keep their places and the totals stay right."""
    for leaving in range(3):
        level = PriceLevel(100)
        orders = [ask(order_id, 100, order_id) for order_id in (1, 2, 3)]
        for order in orders:
            level.append(order)
        level.remove(orders[leaving])
        left = [order for order in orders if order is not orders[leaving]]
        assert list(level) == left
        assert (level.quantity, level.orders) == (sum(order.quantity for order in left), 2)
        level.check_invariants()


def test_an_order_that_left_holds_nothing_of_the_queue() -> None:
    """Its links are cut, so that it frees its neighbours and may join a queue again."""
    level = PriceLevel(100)
    orders = [ask(order_id, 100, 1) for order_id in (1, 2, 3)]
    for order in orders:
        level.append(order)
    level.remove(orders[1])
    assert (orders[1].before, orders[1].after) == (None, None)
    level.append(orders[1])
    assert [order.order_id for order in level] == [1, 3, 2]


def test_is_empty_after_the_last_has_left() -> None:
    """An empty level must be recognisable, because the side then drops it."""
    level = PriceLevel(100)
    order = ask(1, 100, 5)
    level.append(order)
    level.remove(order)
    assert (level.first, level.last, level.quantity, level.orders) == (None, None, 0, 0)
