"""What accounts pay and deliver for options: transfers that the exchange makes by itself, always in both halves.

Owns the names of such transfers, and that one which cannot be made is not begun.
"""

from __future__ import annotations

from openoutcry.wire.account import tick_value
from openoutcry.wire.option_terms import OptionTerms
from openoutcry.wire.types import AMOUNT_MAX, ISSUER, Code, Side, TransferKind
from services.matching.accounts.accounting import HOLDINGS_MAX
from services.matching.accounts.booking import booked
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.transfers import SYSTEM_ACCOUNTS
from services.matching.floor import Floor


class Vault:
    """
    The exchange's own side of options.

    Args:
        floor: Its accounts keep money and lots.
    """

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._named = (0, 0)  # position, and the transfers that its command has named

    def name(self, kind: TransferKind) -> str:
        """Return a name for the next transfers: what they are, the command's position, and a running number."""
        position, number = self._named
        number = number + 1 if position == self._floor.position else 1
        self._named = (self._floor.position, number)
        return f"{kind}-{self._floor.position}-{number}"

    def account(self, user: str) -> FundedAccount:
        """Return an account of a market that keeps them."""
        account = self._floor.account(user)
        assert isinstance(account, FundedAccount)
        return account

    def move(self, name: str, kind: TransferKind, asset: str, debit: str, credit: str, amount: int) -> None:
        """Book a transfer of lots or money that both accounts can take; nothing for an amount of 0."""
        if not amount:
            return
        floor = self._floor
        market = floor.instruments.get(asset)
        for user, change in ((debit, -amount), (credit, amount)):
            floor.events.append(booked(self.account(user), market, name, kind, asset, change, 0, floor.time))

    def can_give(self, asset: str, amount: int) -> bool:
        """Tell whether `~issuer` may give so much: all accounts together have a bound. O(1)."""
        if amount > AMOUNT_MAX:
            return False
        is_lots = asset in self._floor.instruments
        given = sum([_balance(self.account(user), asset, is_lots=is_lots) for user in SYSTEM_ACCOUNTS])
        return given - amount >= -AMOUNT_MAX

    def has_room(self, account: FundedAccount, symbol: str) -> bool:
        """Tell whether an account can take lots: the exchange keeps so many holdings. O(1)."""
        accounting = self._floor.accounting
        assert accounting is not None
        return symbol in account.holdings or accounting.holdings.held + 1 < HOLDINGS_MAX

    def strike_value(self, terms: OptionTerms, lots: int) -> int:
        """Return what the exercise of so many lots costs, or brings, in millionths."""
        return terms.strike * lots * terms.multiplier * self.tick_value(terms)

    def tick_value(self, terms: OptionTerms) -> int:
        """Return what one lot of the underlying is worth at one tick, in millionths."""
        return tick_value(self._floor.instruments[terms.underlying].instrument)

    def free_lots(self, account: FundedAccount, symbol: str) -> int:
        """Return the lots that an account may give: neither reserved by asks nor held back. O(parts held back)."""
        holding = account.holdings.get(symbol)
        return holding.lots - holding.reserved - holding.held_back(self._floor.time) if holding is not None else 0

    def free_cash(self, account: FundedAccount, currency: str, needed: int) -> bool:
        """End an account's newest bids until it can pay so much, if it can at all; tells whether it can."""
        floor = self._floor
        bids = [
            order
            for order in account.orders.values()
            if order.side is Side.BID and floor.instruments[order.instrument].currency == currency
        ]
        if account.free_cash(currency) + sum([order.reserved for order in bids]) < needed:
            return False
        while account.free_cash(currency) < needed:
            floor.end(account, bids.pop(), Code.BY_EXCHANGE)
        return True

    def exercise(self, account: FundedAccount, symbol: str, terms: OptionTerms, lots: int, name: str) -> None:
        """Exchange lots of an option for money and lots of the underlying; both can be given, and taken."""
        kind, user = TransferKind.EXERCISE, account.user
        payer, seller = (user, ISSUER) if terms.right == "call" else (ISSUER, user)
        currency = self._floor.instruments[terms.underlying].currency
        self.move(name, kind, currency, payer, seller, self.strike_value(terms, lots))
        self.move(name, kind, terms.underlying, seller, payer, lots * terms.multiplier)
        self.move(name, kind, symbol, user, ISSUER, lots)


def _balance(account: FundedAccount, asset: str, *, is_lots: bool) -> int:
    if is_lots:
        holding = account.holdings.get(asset)
        return holding.lots if holding is not None else 0
    purse = account.purses.get(asset)
    return purse.amount if purse is not None else 0
