"""Purses and holdings as they are at the ledger's place, computed from fills and transfers alone.

Pure. The ledger does not have the engine's accounts; it comes to the same by the same rule of cost
(`openoutcry.wire.account.cost_after`), and `outcry ledger verify` holds the two against each other. A market without
accounts has positions: lots, and neither money nor cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Final, NamedTuple

from openoutcry.wire.account import cost_after

USERS_KEPT_MAX: Final = 20_000
"""Users in memory; beyond, all are read again when they are needed."""
_BID: Final = "bid"
_FILLED: Final = "filled"


class TradedTerms(NamedTuple):
    """What money an instrument is worth."""

    tick_value: int
    """Millionths of its currency that one tick of one lot is."""
    currency: str


class HoldingRow(NamedTuple):
    """A row of `holding`."""

    user: str
    instrument: str
    lots: int
    cost: int
    result: int
    position: int


class PurseRow(NamedTuple):
    """A row of `purse`."""

    user: str
    currency: str
    amount: int
    position: int


class _Move(NamedTuple):
    user_seq: int
    user: str
    asset: str
    amount: int
    """Lots or millionths that came, or (negative) went."""
    price: int
    """Ticks; -1: no trade."""
    position: int


class Balances:
    """
    The accounts that were touched last.

    Args:
        terms: Of all instruments that are listed, by symbol; grown by `listed`.
        keeps_accounts: Whether the market keeps accounts; a transfer says that it does.
    """

    def __init__(self, terms: dict[str, TradedTerms], *, keeps_accounts: bool) -> None:
        self.terms = terms
        self.keeps_accounts = keeps_accounts
        self._users: set[str] = set()
        self._holdings: dict[tuple[str, str], HoldingRow] = {}
        self._purses: dict[tuple[str, str], PurseRow] = {}

    def unknown(self, executions: Iterable[tuple[Any, ...]], transfers: Iterable[tuple[Any, ...]]) -> set[str]:
        """Return the users whose accounts must be read before these rows are taken."""
        if len(self._users) > USERS_KEPT_MAX:
            self._users, self._holdings, self._purses = set(), {}, {}
        touched = {row[3] for row in executions if row[5] == _FILLED}
        for row in transfers:
            touched.update(row[7:9])
        return touched - self._users

    def read(self, users: Iterable[str], holdings: Iterable[HoldingRow], purses: Iterable[PurseRow]) -> None:
        """Take what the database has of those that were unknown."""
        self._users.update(users)
        self._holdings.update({row[:2]: row for row in holdings})
        self._purses.update({row[:2]: row for row in purses})

    def take(
        self, executions: Iterable[tuple[Any, ...]], transfers: Iterable[tuple[Any, ...]]
    ) -> tuple[list[HoldingRow], list[PurseRow]]:
        """Add rows of both tables, in order of the feed; returns the rows that changed. O(rows)."""
        moves = [
            _Move(row[4], row[3], row[9], row[17] if row[10] == _BID else -row[17], row[16], row[1])
            for row in executions
            if row[5] == _FILLED
        ]
        halves = [
            half
            for row in transfers
            for half in (
                _Move(row[10], row[7], row[6], -row[9], -1, row[1]),
                _Move(row[11], row[8], row[6], row[9], -1, row[1]),
            )
        ]
        if halves:
            self.keeps_accounts = True
            # A user's executions and transfers are numbered together: that is their order.
            moves = sorted(moves + halves, key=itemgetter(0))
        changed_holdings, changed_purses = dict[tuple[str, str], None](), dict[tuple[str, str], None]()
        for move in moves:
            if move.asset in self.terms:
                changed_holdings[self._move_lots(move)] = None
                if move.price >= 0 and self.keeps_accounts:
                    value, currency = self.terms[move.asset]
                    money = -move.amount * move.price * value
                    changed_purses[self._move_money(move.user, currency, money, move.position)] = None
            else:
                changed_purses[self._move_money(move.user, move.asset, move.amount, move.position)] = None
        return [self._holdings[key] for key in changed_holdings], [self._purses[key] for key in changed_purses]

    def _move_lots(self, move: _Move) -> tuple[str, str]:
        key = move.user, move.asset
        held = self._holdings.get(key)
        lots, cost, result = held[2:5] if held is not None else (0, 0, 0)
        if self.keeps_accounts:
            unit = move.price * self.terms[move.asset].tick_value if move.price >= 0 else 0
            lots, cost, gained = cost_after(lots, cost, move.amount, unit)
            if move.price >= 0:
                result += gained
        else:
            lots += move.amount
        self._holdings[key] = HoldingRow(*key, lots, cost, result, move.position)
        return key

    def _move_money(self, user: str, currency: str, amount: int, position: int) -> tuple[str, str]:
        key = user, currency
        held = self._purses.get(key)
        self._purses[key] = PurseRow(*key, amount + (held.amount if held is not None else 0), position)
        return key
