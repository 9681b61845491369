"""A user's private state where the exchange keeps accounts: lots and money are held, and open orders reserve them.

The replica of the engine's account in gateways and clients, by executions and transfers, which share their numbers.
What orders reserve is computed from the open orders; costs and results by `account.cost_after`, as in the engine.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from openoutcry.wire.account import AccountBook, amount_text, cash_texts, cost_after, millionths, tick_value
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Execution, Transfer
from openoutcry.wire.sequence import Verdict, classify
from openoutcry.wire.types import ExecutionEvent, Side

VESTING = "vesting"
"""Why lots that came by a transfer cannot be sold yet."""
HOLDING_PERIOD = "holding_period"
"""Why lots that were bought cannot."""

RestrictedPart: TypeAlias = tuple[int, str, int]
"""Until when (µs), why, and how many lots cannot be sold."""


class Reserved(NamedTuple):
    """What open orders may still need."""

    cash: dict[str, int]
    """Currency to millionths, of the bids at their limits."""
    lots: dict[str, int]
    """Symbol to lots, of the asks."""


class FundedAccountBook(AccountBook):
    """
    One user's open orders, holdings and money.

    `positions` are the lots held, without what is 0; `cash` is the money held, in millionths.

    Args:
        listing: As `AccountBook`.
    """

    __slots__ = ("costs", "restricted", "results")

    def __init__(self, listing: Mapping[str, Instrument]) -> None:
        super().__init__(listing)
        self.costs: dict[str, int] = {}
        """Symbol to what all lots held cost together, in millionths."""
        self.restricted: dict[str, list[RestrictedPart]] = {}
        """Symbol to what cannot be sold yet, ascending. A part whose time is over may still be there: it counts
        nothing, and goes with the next execution or transfer in its instrument."""
        self.results: dict[str, int] = {}
        """Currency to the realised result of all sales, in millionths."""

    def load(self, account: Account) -> None:
        """Take a snapshot instead of all that is held."""
        super().load(account)
        self.positions = {symbol: lots for symbol, lots in account.positions.items() if lots}
        self.costs, self.restricted = {}, {}
        for symbol, (_, _, parts, cost, *_) in (account.holdings or {}).items():
            if amount := millionths(cost):
                self.costs[symbol] = amount
            if parts:
                self.restricted[symbol] = [(until, why, lots) for until, lots, why, *_ in parts]
        self.results = {currency: millionths(amount) for currency, amount in (account.result or {}).items()}

    def apply(self, execution: Execution) -> Verdict:
        """Apply the next execution; O(1)."""
        verdict = super().apply(execution)
        if verdict is Verdict.APPLY:
            symbol = execution.instrument
            if execution.event == ExecutionEvent.FILLED:
                self._settle_cost(execution)
            if self.restricted:
                self._release_due(symbol, execution.time)
            if execution.held_until:
                bought = min(execution.fill_quantity, self.positions.get(symbol, 0))
                self._restrict(symbol, execution.held_until, HOLDING_PERIOD, bought)
        return verdict

    def apply_transfer(self, transfer: Transfer) -> Verdict:
        """
        Apply the next transfer; O(parts restricted).

        Returns:
            As `apply`. A gap too if what is held then is not the transfer's balance: the account must be loaded again.
        """
        user_seq, asset = transfer.user_seq, transfer.asset
        if user_seq != self.user_seq + 1:
            return classify(self.user_seq, user_seq - 1, user_seq)
        self.user_seq = user_seq
        if "." in transfer.amount:
            balance = self.cash[asset] = self.cash.get(asset, 0) + millionths(transfer.amount)
            return Verdict.APPLY if amount_text(balance) == transfer.balance else Verdict.GAP
        self._release_due(asset, transfer.time)
        lots = int(transfer.amount)
        self._hold(asset, self.positions.get(asset, 0), lots, 0)
        if lots < 0:
            self._release_latest(asset, -lots)
        elif transfer.available_from:
            self._restrict(asset, transfer.available_from, VESTING, lots)
        return Verdict.APPLY if str(self.positions.get(asset, 0)) == transfer.balance else Verdict.GAP

    def reserved(self) -> Reserved:
        """
        Return what open orders may still need; O(open orders).

        Bids of instruments whose definition has not come yet are left out.
        """
        cash = dict.fromkeys(self.cash, 0)
        lots: dict[str, int] = {}
        for order in self.orders.values():
            symbol = order.instrument
            if order.side != Side.BID:
                lots[symbol] = lots.get(symbol, 0) + order.remaining
            elif (instrument := self._listing.get(symbol)) is not None:
                currency = instrument.currency
                cash[currency] = cash.get(currency, 0) + order.remaining * order.price * tick_value(instrument)
        return Reserved(cash, lots)

    def held_back(self, symbol: str, time_us: int) -> int:
        """Return the lots that cannot be sold at this time, µs; O(parts)."""
        return sum(lots for until, _, lots in self.restricted.get(symbol, ()) if until > time_us)

    def account(self) -> Account:
        """Return the state as a message; O(open orders and holdings)."""
        reserved = self.reserved()
        named = (*self.positions, *self.restricted, *(order.instrument for order in self.orders.values()))
        symbols = dict.fromkeys(named)
        return (
            super()
            .account()
            ._replace(
                positions={symbol: self.positions.get(symbol, 0) for symbol in symbols},
                holdings={
                    symbol: [
                        self.positions.get(symbol, 0),
                        reserved.lots.get(symbol, 0),
                        [[until, lots, why] for until, why, lots in self.restricted.get(symbol, ())],
                        amount_text(self.costs.get(symbol, 0)),
                    ]
                    for symbol in symbols
                },
                reserved=cash_texts(reserved.cash),
                result={currency: amount_text(self.results.get(currency, 0)) for currency in self.cash},
            )
        )

    def _settle_cost(self, fill: Execution) -> None:
        """Take the cost of a fill whose lots and money have been moved."""
        instrument = self._listing[fill.instrument]
        bought = fill.fill_quantity if fill.side == Side.BID else -fill.fill_quantity
        before = self.positions[fill.instrument] - bought
        result = self._hold(fill.instrument, before, bought, fill.fill_price * tick_value(instrument))
        if result:
            self.results[instrument.currency] = self.results.get(instrument.currency, 0) + result

    def _hold(self, symbol: str, before: int, bought: int, unit: int) -> int:
        """Hold so many more lots (or, negative, fewer) than before; returns the realised result."""
        lots, cost, result = cost_after(before, self.costs.get(symbol, 0), bought, unit)
        if lots:
            self.positions[symbol], self.costs[symbol] = lots, cost
        else:
            self.positions.pop(symbol, None)
            self.costs.pop(symbol, None)
        return result

    def _restrict(self, symbol: str, until_us: int, reason: str, lots: int) -> None:
        if lots <= 0:  # a purchase that only covers what was sold short
            return
        parts = self.restricted.setdefault(symbol, [])
        for n, (until, why, held) in enumerate(parts):
            if (until, why) == (until_us, reason):
                parts[n] = (until, why, held + lots)
                return
        insort(parts, (until_us, reason, lots))

    def _release_latest(self, symbol: str, lots: int) -> None:
        """Take lots out of what is held back longest, as far as there are some."""
        parts = self.restricted.get(symbol, [])
        while lots and parts:
            until, why, held = parts.pop()
            if held > lots:
                parts.append((until, why, held - lots))
            lots -= min(lots, held)
        if not parts:
            self.restricted.pop(symbol, None)

    def _release_due(self, symbol: str, time_us: int) -> None:
        parts = self.restricted.get(symbol)
        if parts is None:
            return
        while parts and parts[0][0] <= time_us:
            parts.pop(0)
        if not parts:
            del self.restricted[symbol]


def account_book(listing: Mapping[str, Instrument], account: Account) -> AccountBook:
    """Return what holds an account: of an exchange that keeps accounts, or of one that does not."""
    book = AccountBook(listing) if account.holdings is None else FundedAccountBook(listing)
    book.load(account)
    return book
