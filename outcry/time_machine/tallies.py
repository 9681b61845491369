"""What must add up whatever the rules are: orders, numbers without holes, and sums over all accounts.

Each tally begins with the market of a mark, so that any part of the record can be looked at alone. What is counted are
the rows as they were replayed; that the record's are the same is shown beside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from outcry.time_machine.difference import Difference, shown
from services.ledger import schema
from services.matching.accounts.funded_account import FundedAccount
from services.matching.engine import Engine

_EXECUTION: Final = {name: place for place, name in enumerate(schema.execution.columns.keys())}
_POSITION, _ORDINAL, _USER, _USER_SEQ, _EVENT, _ORDER, _QUANTITY, _REMAINING, _FILLED = (
    _EXECUTION[name]
    for name in (
        "position", "ordinal", "user", "user_seq", "event", "order_id", "quantity", "remaining", "fill_quantity",
    )
)  # fmt: skip
_TRANSFER: Final = {name: place for place, name in enumerate(schema.transfer.columns.keys())}
_TRADE: Final = {name: place for place, name in enumerate(schema.trade.columns.keys())}
_ENDED: Final = ("cancelled", "expired")


class OrderTally:
    """
    Every order's quantity is what was filled, what is open, and what has ended.

    Args:
        engine: At the mark.
    """

    def __init__(self, engine: Engine) -> None:
        self._filled = {
            order_id: order.quantity - order.remaining
            for account in engine.accounts.values()
            for order_id, order in account.orders.items()
        }

    def add(self, history: int, executions: Sequence[tuple[Any, ...]]) -> Iterator[Difference]:
        """Take rows of `execution` in order; O(rows)."""
        filled = self._filled
        for row in executions:
            order_id, event = row[_ORDER], row[_EVENT]
            if not order_id:  # rejected
                continue
            lots = filled.get(order_id, 0) + row[_FILLED]
            remaining = row[_REMAINING]
            if event not in _ENDED and lots + remaining != row[_QUANTITY]:
                told = f"{lots:,} filled and {remaining:,} open"
                yield Difference(
                    history, row[_POSITION], "execution", f"ordinal {row[_ORDINAL]}", "quantity", shown(row[_QUANTITY]),
                    told,
                )  # fmt: skip
            if remaining:
                filled[order_id] = lots
            else:
                filled.pop(order_id, None)


class NumberTally:
    """
    Trade ids of an instrument, and executions and transfers of a user, are numbered without holes.

    Args:
        engine: At the mark.
    """

    def __init__(self, engine: Engine) -> None:
        self._users = {user: account.user_seq for user, account in engine.accounts.items()}
        self._trades = {symbol: market.book.trade_id for symbol, market in engine.instruments.items()}

    def add(self, history: int, tables: dict[str, list[tuple[Any, ...]]]) -> Iterator[Difference]:
        """Take the rows of some whole packets; O(rows log rows)."""
        seqs: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in tables.get("execution", ()):
            seqs[row[_USER]].append((row[_USER_SEQ], row[_POSITION]))
        for row in tables.get("transfer", ()):
            for side in ("debit", "credit"):
                seqs[row[_TRANSFER[side]]].append((row[_TRANSFER[f"{side}_user_seq"]], row[_TRANSFER["position"]]))
        yield from _holes(history, "execution", "user_seq", seqs, self._users)
        ids: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in tables.get("trade", ()):
            ids[row[_TRADE["instrument"]]].append((row[_TRADE["trade_id"]], row[_TRADE["position"]]))
        yield from _holes(history, "trade", "trade_id", ids, self._trades)


def _holes(
    history: int, table: str, field: str, numbers: dict[str, list[tuple[int, int]]], last: dict[str, int]
) -> Iterator[Difference]:
    for name, found in numbers.items():
        found.sort()
        for number, position in found:
            wanted = last.get(name, 0) + 1
            if number != wanted:
                yield Difference(history, position, table, name, field, shown(number), f"{wanted:,} is next")
            last[name] = number


def sums(engine: Engine) -> dict[str, int]:
    """Return for each asset the sum over all accounts, which must be 0; O(accounts)."""
    totals: defaultdict[str, int] = defaultdict(int)
    for account in engine.accounts.values():
        if isinstance(account, FundedAccount):
            for currency, purse in account.purses.items():
                totals[currency] += purse.amount
            for symbol, holding in account.holdings.items():
                totals[symbol] += holding.lots
        else:
            for assets in (account.positions, account.cash):
                for asset, amount in assets.items():
                    totals[asset] += amount
    return dict(totals)
