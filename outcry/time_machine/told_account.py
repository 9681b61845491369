"""The answer to: what had this user then, and which orders stood?"""

from __future__ import annotations

from typing import Any, NamedTuple

from openoutcry.wire.messages import Account
from outcry.time_machine.past_market import PastMarket
from outcry.time_machine.time_text import moment_text
from outcry.time_machine.told_book import standing
from outcry.time_machine.unrecorded import NotRecorded
from services.matching.accounts.funded_account import FundedAccount


class ToldAccount(NamedTuple):
    """An account at a moment."""

    market: PastMarket
    user: str
    groups: tuple[str, ...]
    account: Account

    def fields(self) -> dict[str, Any]:
        """Return it for programs, as the protocol's `account` has it."""
        market = self.market
        return {
            "user": self.user,
            "history": market.history,
            "epoch": market.epoch,
            "position": market.position,
            "log_id": market.log_id,
            "time": moment_text(market.time),
            "groups": list(self.groups),
            **self.account._asdict(),
            "orders": [order._asdict() for order in self.account.orders],
        }

    def lines(self) -> list[str]:
        """Return it for people."""
        account = self.account
        groups = f", groups {', '.join(self.groups)}" if self.groups else ""
        lines = [
            f"{self.user}{groups}",
            *standing(self.market),
            f"{account.user_seq:,} executions and transfers so far",
        ]
        for currency, amount in account.cash.items():
            reserved = (account.reserved or {}).get(currency)
            lines.append(f"{currency:<12} {amount}" + (f", {reserved} of it reserved" if reserved is not None else ""))
        for symbol, lots in account.positions.items():
            held = (account.holdings or {}).get(symbol)
            lines.append(f"{symbol:<12} {lots:,} lots" + (f", {held[1]:,} of them offered" if held is not None else ""))
        orders = [f"order {each.order_id:,} ({each.client_order_id}): {self._words(each)}" for each in account.orders]
        return lines + (orders or ["no open orders"])

    def _words(self, order: Any) -> str:
        market = self.market.engine.instruments[order.instrument]
        price = f" @ {market.instrument.amount(order.price)}" if order.price else ""
        trigger = f", waits for {market.instrument.amount(order.trigger)}" if order.trigger else ""
        lots = f"{order.remaining:,} of {order.quantity:,}"
        return f"{order.side} {lots} {order.instrument}{price}, {order.time_in_force}{trigger}"


def told_account(market: PastMarket, user: str) -> ToldAccount:
    """
    Return an account of a past market.

    Raises:
        NotRecorded: If nobody of that name was known then.
    """
    account = market.engine.accounts.get(user)
    if account is None:
        raise NotRecorded("unknown_user", f"nobody named {user} was known at position {market.position:,}")
    groups = account.groups if isinstance(account, FundedAccount) else ()
    return ToldAccount(market, user, tuple(groups), account.message())
