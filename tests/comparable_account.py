"""When two accounts are equal: what an account holds, whatever the order in which things are named.

A part of a holding whose time is over may be named or not, and so may a holding of which nothing else is left, and a
currency of which there is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from openoutcry.wire.messages import Account


def comparable(account: Account, time_us: int) -> Account:
    """The account with nothing in it that makes no difference at this time."""
    orders = sorted(account.orders)
    if account.holdings is None:
        return account._replace(orders=orders)
    named = {order.instrument for order in orders}
    holdings = {}
    for symbol, (lots, reserved, restricted, cost) in account.holdings.items():
        parts = [part for part in restricted if part[0] > time_us]
        if lots or parts or symbol in named:
            holdings[symbol] = [lots, reserved, parts, cost]
    positions = {symbol: lots for symbol, lots in account.positions.items() if symbol in holdings or lots}
    account = account._replace(orders=orders, holdings=holdings, positions=positions)
    return account._replace(
        **{name: _without_nothing(getattr(account, name)) for name in ("cash", "reserved", "result")}
    )


def _without_nothing(purse: Mapping[str, str]) -> dict[str, str]:
    return {currency: amount for currency, amount in purse.items() if amount != "0.000000"}
