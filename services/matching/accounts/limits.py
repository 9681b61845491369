"""Limits of users, groups and everybody, compiled into what an order is judged by.

Owns the table of limits and its compiling, with what a company's rules say: users with the same limits and rules share
one `Gate` an instrument, so an order reads one object. Of all limits that concern it the strictest counts. Bounded by
LIMITS_MAX rows and GATES_MAX gates.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Sequence
from typing import Final, Protocol

from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.gate import NO_CLOSING, Closing, Gate
from services.matching.traded_instrument import TradedInstrument
from shared.logs.market_commands import Limits

LIMITS_MAX: Final = 100_000
"""Rows of the table; another is refused."""
GATES_MAX: Final = 50_000
"""Gates kept; beyond it all are compiled again as orders come. A change of limits lets go of all, some 10 ms."""
NONE: Final = Limits()


class Closings(Protocol):
    """A company's rules, as gates are compiled from them; whoever changes one has the gates forgotten."""

    def names(self, user: str) -> bool:
        """Tell whether something concerns this user by name, and not by groups."""

    def closing(self, user: str, groups: Sequence[str], symbol: str) -> Closing:
        """Return what a user of these groups is under in an instrument."""


class LimitTable:
    """All limits of a market."""

    __slots__ = ("_gates", "_rows", "_users", "closings", "has_allowed_short", "version")

    def __init__(self, rows: Iterable[tuple[str, str, str | None, Limits]] = ()) -> None:
        self.version = 0
        """Changes with every change; gates compiled before are void."""
        self.has_allowed_short = False
        """Whether anybody has been allowed to sell short, once."""
        self.closings: Closings | None = None
        """What else gates are compiled from; set once, by whoever keeps the accounts."""
        self._rows: dict[tuple[str, str, str | None], Limits] = {}
        self._users: dict[str, int] = {}  # users with limits of their own, to how many
        self._gates: dict[
            tuple[str, tuple[str, ...], str], Gate
        ] = {}  # by user if it has limits of its own, groups, symbol
        for user, group, symbol, limits in rows:
            self.set(user, group, symbol, limits)

    def rows(self) -> list[tuple[str, str, str | None, Limits]]:
        """Return (user, group, symbol, limits) in order of first setting; what the constructor takes."""
        return [(*key, limits) for key, limits in self._rows.items()]

    def __len__(self) -> int:
        return len(self._rows)

    def has(self, user: str, group: str, symbol: str | None) -> bool:
        """Tell whether these limits are set."""
        return (user, group, symbol) in self._rows

    def held(self) -> ItemsView[tuple[str, str, str | None], Limits]:
        """Return a view of what is set, by (user, group, symbol), in order of first setting."""
        return self._rows.items()

    def has_room(self, user: str, group: str, symbol: str | None) -> bool:
        """Tell whether these limits may be set."""
        return len(self._rows) < LIMITS_MAX or (user, group, symbol) in self._rows

    def set(self, user: str, group: str, symbol: str | None, limits: Limits) -> None:
        """Set the limits of a user, a group (user "") or everybody (both ""); O(1), and all gates are compiled anew."""
        key = (user, group, symbol)
        known = key in self._rows
        if limits == NONE:
            self._rows.pop(key, None)
        else:
            self._rows[key] = limits
        self.has_allowed_short |= bool(limits.may_short)
        if user:
            count = self._users.get(user, 0) + (key in self._rows) - known
            self._users[user] = count
            if not count:
                del self._users[user]
        self.forget()

    def gate(self, account: FundedAccount, market: TradedInstrument) -> Gate:
        """Return what an account's orders of an instrument are judged by; O(1), or O(its groups) on first sight."""
        user, closings = account.user, self.closings
        is_named = user in self._users or (closings is not None and closings.names(user))
        key = (user if is_named else "", account.groups, market.symbol)
        gate = self._gates.get(key)
        if gate is None:
            if len(self._gates) >= GATES_MAX:
                self.forget()
            everywhere, here = self._of(account, None), self._of(account, market.symbol)
            closing = NO_CLOSING
            if closings is not None:
                closing = closings.closing(user, account.groups, market.symbol)
            tick_value = market.tick_value
            gate = self._gates[key] = Gate(everywhere, here, market.collar_bp, tick_value, closing, self.version)
        return gate

    def forget(self) -> None:
        """Have all gates compiled anew: something that they were compiled from has changed. O(1)."""
        self.version += 1
        self._gates = {}

    def _of(self, account: FundedAccount, symbol: str | None) -> Iterator[Limits]:
        keys = (("", ""), *[("", group) for group in account.groups], (account.user, ""))
        for user, group in keys:
            limits = self._rows.get((user, group, symbol))
            if limits is not None:
                yield limits
