from __future__ import annotations

from random import Random

from outcry.flow.live_orders import LiveOrder, LiveOrders


def order(name: str, price: int = 100) -> LiveOrder:
    return LiveOrder(name, "user", price, 1)


def test_draws_only_what_is_there() -> None:
    orders = LiveOrders()
    for name in "abcde":
        orders.add(order(name))
    orders.discard("a")
    orders.discard("e")
    random = Random(1)
    assert {orders.draw(random).client_order_id for _ in range(100)} == {"b", "c", "d"}


def test_adding_again_replaces() -> None:
    orders = LiveOrders()
    orders.add(order("a", 100))
    orders.add(order("b", 100))
    orders.add(order("a", 101))
    assert len(orders) == 2
    orders.discard("b")
    assert orders.draw(Random(1)).price == 101


def test_discarding_the_unknown_is_normal() -> None:
    """Fills of other people's orders are told to everybody."""
    orders = LiveOrders()
    orders.add(order("a"))
    orders.discard("z")
    orders.discard("a")
    orders.discard("a")
    assert len(orders) == 0
    assert "a" not in orders
