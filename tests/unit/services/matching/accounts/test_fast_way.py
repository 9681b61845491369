"""The fast way through an account's rules lets nobody pass whom the slow one would stop."""

from __future__ import annotations

from itertools import product

from openoutcry.wire.types import OrderKind, Side, TimeInForce
from services.matching.book.order import Order
from tests.unit.services.matching.accounts.floor import DOLLAR, Floor

DOLLARS = (1, 4, 12)
LOTS = (2, 8)
BESTS = ((98, 102), (99, 107), (103, 108))
"""Best bid and best ask around a reference of 100; the last are beyond the collar of 5 %."""


def market(dollars: int, lots: int, bests: tuple[int, int], collar_bp: int, value_max: int | None) -> Floor:
    floor = Floor()
    for user, money, held in (("max", 1_000, 1_000), ("ann", dollars, lots)):
        floor.deposit(user, money)
        floor.grant(user, held)
    for price, (bid, ask) in zip((0, 1), (bests, (bests[0] - 3, bests[1] + 3)), strict=True):
        assert not floor.bid("max", bid, 4, client_order_id=f"b{price}").code
        assert not floor.ask("max", ask, 4, client_order_id=f"a{price}").code
    floor.terms(100, collar_bp)
    if value_max is not None:
        floor.limit("ann", order_value_max=value_max, position_max=12)
    return floor


def test_who_takes_the_fast_way_would_pass_the_slow_one() -> None:
    """Market orders too: what they cost is known only from the book, and bounded by the collar's end."""
    fine = dict.fromkeys(OrderKind, 0)
    asked = 0
    for dollars, lots, bests, collar_bp, value in product(DOLLARS, LOTS, BESTS, (0, 500), (None, 5 * DOLLAR)):
        floor = market(dollars, lots, bests, collar_bp, value)
        accounting, acme, account = floor.engine.accounting, floor.engine.instruments["ACME"], floor.account("ann")
        assert accounting is not None
        for side, kind, quantity, price in product(Side, OrderKind, (1, 3, 5, 9), (96, 104)):
            limit, times = (price, TimeInForce.GTC) if kind is OrderKind.LIMIT else (0, TimeInForce.IOC)
            order = Order(99, "ann", side, limit, quantity, kind, times)
            asked += 1
            if accounting.is_fine(account, acme, order, limit, quantity, 0):
                fine[kind] += 1
                assert accounting.forbidden(account, acme, order, limit, quantity, 500) is None, (order, bests)
                assert accounting.unaffordable(account, acme, order, limit, quantity, 0, 500) is None, (order, bests)
    assert all(asked // 20 < count < asked // 2 for count in fine.values()), (fine, asked)
