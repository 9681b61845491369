"""An order's place: never better than it may be, whatever was published."""

from __future__ import annotations

from collections.abc import Mapping

from openoutcry.wire.messages import OpenOrder, Trade
from openoutcry.wire.types import NoSide, OrderKind, Side, TimeInForce
from outcry.terminal.queue_place import SETTLE_S, QueuePlaces


def order(remaining: int, price: int = 100, trigger: int = 0) -> OpenOrder:
    return OpenOrder(1, "a", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, price, remaining, remaining, trigger)


def trade(seq: int, quantity: int, side: Side | NoSide = Side.ASK, price: int = 100) -> Trade:
    return Trade("ACME", seq, seq, 0, price, quantity, side)


class Desk:
    """Looks at one order in turn."""

    def __init__(self) -> None:
        self.places = QueuePlaces()

    def look(
        self, order: OpenOrder | None, lots: int | None, *trades: Trade, at: tuple[int, int, int], now: float = 0
    ) -> int | None:
        bids: Mapping[int, int] = {} if lots is None else {100: lots}
        orders = [] if order is None else [order]
        self.places.look(orders, trades, at, {Side.BID: bids, Side.ASK: {}}, now)
        return self.places.ahead(1)


def test_nothing_is_said_before_a_state_of_the_book_has_the_order() -> None:
    """The account hears of it before the book does: what others have there may still lack it."""
    desk = Desk()
    assert desk.look(order(5), 40, at=(1, 10, 1)) is None
    assert desk.look(order(5), 45, at=(1, 11, 2)) == 40


def test_a_quiet_book_has_it_after_a_while() -> None:
    desk = Desk()
    assert desk.look(order(5), 45, at=(1, 10, 1)) is None
    assert desk.look(order(5), 45, at=(1, 10, 1), now=SETTLE_S) == 40


def test_trades_at_its_price_bring_it_forward_and_no_others() -> None:
    desk = Desk()
    desk.look(order(5), 45, at=(1, 10, 1))
    assert desk.look(order(5), 45, at=(1, 11, 2)) == 40
    known = (trade(11, 7), trade(12, 3, price=101), trade(12, 3, Side.BID), trade(12, 3, NoSide.NONE))
    assert desk.look(order(5), 100, *known, at=(1, 12, 3)) == 40
    assert desk.look(order(5), 100, trade(13, 15), at=(1, 13, 4)) == 25


def test_no_more_stand_before_it_than_others_have_there() -> None:
    desk = Desk()
    desk.look(order(5), 45, at=(1, 10, 1))
    desk.look(order(5), 45, at=(1, 11, 2))
    assert desk.look(order(5), 8, at=(1, 12, 3)) == 3


def test_more_lots_or_another_price_stand_last_again() -> None:
    desk = Desk()
    desk.look(order(5), 45, at=(1, 10, 1))
    assert desk.look(order(5), 45, at=(1, 11, 2)) == 40
    desk.look(order(9), 60, at=(1, 12, 3))
    assert desk.look(order(9), 60, at=(1, 13, 4)) == 51
    assert desk.look(order(4), 60, at=(1, 14, 5)) == 51


def test_a_stop_and_an_order_outside_of_the_window_have_no_place() -> None:
    desk = Desk()
    desk.look(order(5, trigger=90), 45, at=(1, 10, 1))
    assert desk.look(order(5, trigger=90), 45, at=(1, 11, 2)) is None
    desk.look(order(5), None, at=(1, 12, 3))
    assert desk.look(order(5), None, at=(1, 13, 4)) is None


def test_a_new_history_begins_anew() -> None:
    desk = Desk()
    desk.look(order(5), 45, at=(1, 10, 1))
    assert desk.look(order(5), 45, at=(1, 11, 2)) == 40
    assert desk.look(order(5), 45, at=(2, 1, 3)) is None
