"""Clearances: lots that one user may trade of an instrument, on one side, until a moment.

Owns the table, what has been used of each, and the sentences. What open orders have reserved of one is summed over the
user's open orders when somebody asks, so nothing can get out of step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from openoutcry.wire.types import Code, Side
from services.matching.accounts.account import UserAccount
from services.matching.book.order import Order
from services.matching.money_text import lots_text, time_text
from services.matching.traded_instrument import Refusal

CLEARANCES_MAX: Final = 10_000
"""Clearances that hold or have yet to begin; another one is refused."""


class Clearance(NamedTuple):
    """One, as it was given; it never changes."""

    clearance_id: str
    user: str
    instrument: str
    side: Side
    lots: int
    from_us: int
    until_us: int


class Clearances:
    """
    All clearances of a market that have not ended.

    Args:
        rows: As `rows` gave them.
    """

    __slots__ = ("_given", "_used")

    def __init__(self, rows: Iterable[tuple[Clearance, int]] = ()) -> None:
        self._given: dict[str, Clearance] = {}
        self._used: dict[str, int] = {}
        for clearance, used in rows:
            self._given[clearance.clearance_id] = clearance
            self._used[clearance.clearance_id] = used

    def rows(self) -> list[tuple[Clearance, int]]:
        """Return each with its lots that were filled, the oldest first; what the constructor takes."""
        return [(clearance, self._used[clearance_id]) for clearance_id, clearance in self._given.items()]

    def __len__(self) -> int:
        return len(self._given)

    def find(self, clearance_id: str) -> Clearance | None:
        """Return the one of this id, if it has not ended; O(1)."""
        return self._given.get(clearance_id)

    def give(self, clearance: Clearance) -> None:
        """Add one; O(1)."""
        self._given[clearance.clearance_id] = clearance
        self._used[clearance.clearance_id] = 0

    def end(self, clearance_id: str) -> None:
        """Forget one; O(1). Its orders are ended by whoever ends it."""
        self._given.pop(clearance_id, None)
        self._used.pop(clearance_id, None)

    def use(self, clearance_id: str, lots: int) -> None:
        """Count lots of a fill; O(1)."""
        if clearance_id in self._used:
            self._used[clearance_id] += lots

    def left(self, clearance: Clearance, account: UserAccount, order: Order) -> int:
        """Return the lots that neither fills nor open orders, but for this one, have taken; O(the user's orders)."""
        name = clearance.clearance_id
        offered = sum([held.remaining for held in account.orders.values() if clearance_of(held) == name])
        own = order.remaining if order.order_id in account.orders else 0
        return clearance.lots - self._used[name] - offered + own

    def refusal(self, account: UserAccount, symbol: str, order: Order, wanted: int, time_us: int) -> Refusal | None:
        """
        Return why an order may not stand under the clearance that it names, or None: it may.

        Args:
            account: Whose order it is.
            symbol: Of the instrument.
            order: A new one, or one that rests.
            wanted: Lots that may still be filled.
            time_us: Of the command.

        Cost: O(the user's open orders).
        """
        name = clearance_of(order)
        clearance = self._given.get(name)
        if clearance is None or clearance.user != account.user:
            return _invalid(f"you have none of the name {name}, or it has ended")
        if clearance.instrument != symbol or clearance.side is not order.side:
            verbs = {Side.BID: "buy", Side.ASK: "sell"}
            what = f"{verbs[clearance.side]} {clearance.instrument}"
            return _invalid(f"{name} is to {what}, not to {verbs[order.side]} {symbol}")
        if clearance.from_us > time_us:
            return _invalid(f"{name} holds from {time_text(clearance.from_us)} on")
        left = self.left(clearance, account, order)
        if wanted <= left:
            return None
        verb = "buy" if clearance.side is Side.BID else "sell"
        be = "is" if left == 1 else "are"
        text = f"{name} allows {lots_text(clearance.lots)} to {verb}, {max(left, 0):,} {be} left, not {wanted:,}"
        return _invalid(text)


def clearance_of(order: Order) -> str:
    """Return the clearance that an order names, "" for none."""
    return order.special.clearance if order.special is not None else ""


def _invalid(text: str) -> Refusal:
    return Refusal(Code.CLEARANCE_INVALID, f"clearance: {text}")
