"""An order is its user's alone: who else names it is told that there is none, whatever else that user has."""

from __future__ import annotations

import pytest

from openoutcry.wire.types import Code, MarketState, Side, TimeInForce
from shared.logs.commands import CancelAll, CancelOrder, ReplaceOrder, SetMarketState
from tests.unit.services.matching.flow import Desk, code, executions

BID, ASK = Side.BID, Side.ASK


def desk_where_both_have_traded() -> tuple[Desk, int]:
    """Ann's order rests; bob has an account, a position, and an order of his own. A user without any is no test."""
    desk = Desk()
    desk.place("ann", ASK, 100, 5, client_order_id="anns")
    desk.place("bob", BID, 100, 2, client_order_id="taken")
    desk.place("bob", BID, 90, 1, client_order_id="bobs")
    desk.engine.take_changed()
    return desk, next(iter(desk.engine.accounts["ann"].orders))


@pytest.mark.parametrize("named", ["order_id", "client_order_id"])
@pytest.mark.parametrize(
    ("kind", "change"), [(CancelOrder, ()), (ReplaceOrder, (None, 3)), (ReplaceOrder, (101, None))]
)
def test_nobody_cancels_or_replaces_anothers_order(named: str, kind: type, change: tuple[object, ...]) -> None:
    desk, order_id = desk_where_both_have_traded()
    names = (order_id, "") if named == "order_id" else (0, "anns")
    events = desk.does(kind, "bob", *names, *change)
    assert code(events) is Code.UNKNOWN_ORDER
    assert len(events) == 1
    assert desk.engine.take_changed() == []
    assert [order.remaining for order in desk.engine.instruments["ACME"].book.orders.values()] == [3, 1]
    desk.engine.check_invariants()
    assert code(desk.does(kind, "ann", *names, *change)) is Code.OK


def test_cancelling_all_is_cancelling_ones_own() -> None:
    desk, order_id = desk_where_both_have_traded()
    desk.does(CancelAll, "bob", None)
    assert list(desk.engine.instruments["ACME"].book.orders) == [order_id]


@pytest.mark.parametrize(
    ("refused", "rules"),
    [
        (Code.PRICE_OUT_OF_RANGE, {"price": 2_000}),
        (Code.QUANTITY_OUT_OF_RANGE, {"quantity": 101}),
        (Code.UNKNOWN_INSTRUMENT, {"instrument": "NONE"}),
        (Code.BAD_REQUEST, {"post_only": True, "time_in_force": TimeInForce.IOC}),
        (Code.WOULD_TRADE, {"price": 100, "post_only": True}),
        (Code.TOO_MANY_OPEN_ORDERS, {}),
        (Code.NOT_OPEN, {}),
    ],
)
def test_the_id_of_an_order_that_was_refused_stays_free(refused: Code, rules: dict[str, object]) -> None:
    """Else a program that mends its order and sends it again would be told that it had sent it before."""
    desk = Desk(open_orders_max=1)
    desk.place("ann", ASK, 100, 5)
    if refused is Code.TOO_MANY_OPEN_ORDERS:
        desk.place("bob", BID, 80, 1, client_order_id="first")
    if refused is Code.NOT_OPEN:
        desk.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    given = {"price": 90, "quantity": 1, **rules}
    price, quantity = given.pop("price"), given.pop("quantity")
    assert isinstance(price, int)
    assert isinstance(quantity, int)
    events = desk.place("bob", BID, price, quantity, client_order_id="again", **given)
    assert [execution.reason for execution in executions(events, "bob")] == [refused]
    desk.does(CancelOrder, "bob", 0, "first")
    desk.does(SetMarketState, "ACME", MarketState.OPEN, "")
    assert code(desk.place("bob", BID, 90, 1, client_order_id="again")) is Code.OK
