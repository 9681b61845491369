"""What a checkpoint holds of special orders, and back: what is special about those in books, and all stops in full.

Their timers are with all others.
"""

from __future__ import annotations

from typing import Any

from services.matching.book.order import Order
from services.matching.book.special import Special
from services.matching.book.stop_book import StopBook
from services.matching.engine import Engine
from services.matching.recovery.order_rows import made_order, order_row


def special_rows(engine: Engine) -> Any:
    """Return resting orders by user and id, stops by symbol, and of each symbol those elected; empty if none is."""
    resting: list[Any] = []
    stops: list[Any] = []
    for account in engine.accounts.values():
        for order in account.orders.values():
            special = order.special
            if special is None:
                continue
            if special.trigger:
                stops.append((order.instrument, order_row(order), special.row()))
            else:
                resting.append((order.user, order.order_id, special.row()))
    electing = [(market.symbol, market.stops) for market in engine.electing.values()]
    elected = [(symbol, list(found.elected)) for symbol, found in electing if found is not None]
    return (resting, stops, elected) if resting or stops else ()


def restore_special(engine: Engine, rows: Any) -> None:
    """Take what `special_rows` gave, once the orders in books are there."""
    resting, stops, elected = rows
    restored = [_with_special(engine.accounts[user].orders[order_id], row) for user, order_id, row in resting]
    parked: dict[int, Order] = {}
    for symbol, row, special in stops:
        order = parked[row[0]] = _with_special(made_order(row), special)
        order.instrument = symbol
        engine.account(order.user).opened(order, engine.instruments[symbol], rests=True)
    for user in dict.fromkeys([order.user for order in parked.values()]):
        account = engine.accounts[user]
        account.orders = dict(sorted(account.orders.items()))
    for order in sorted([*restored, *parked.values()], key=_order_id):
        engine.expiries.add(order)
    for symbol, order_ids in elected:
        market = engine.instruments[symbol]
        market.stops = StopBook()
        engine.electing[symbol] = market
        for order_id in order_ids:
            market.stops.restore_elected(parked.pop(order_id))
    for order in sorted(parked.values(), key=_order_id):  # as they came: in this order an expiry ends them
        market = engine.instruments[order.instrument]
        if market.stops is None:
            market.stops = StopBook()
        market.stops.park(order)


def _with_special(order: Order, row: list[Any]) -> Order:
    order.special = Special(*row)
    return order


def _order_id(order: Order) -> int:
    return order.order_id
