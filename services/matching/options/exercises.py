"""The exercise of options by their holders: strike for shares, both or neither.

Owns its rules and their order. An exercise is no trade: it goes on while instruments are halted or closed. A rule of
the company forbids it only if it says so.
"""

from __future__ import annotations

from openoutcry.wire.option_terms import OptionTerms, option_terms
from openoutcry.wire.types import ISSUER, Code, TransferKind
from services.matching.accounts.accounting import HOLDINGS_MAX
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.outlook import NO_ACCOUNTS, unknown_instrument
from services.matching.accounts.transfers import TRANSFER_ID
from services.matching.floor import Floor
from services.matching.life import Life
from services.matching.money_text import lots_text, money_text
from services.matching.options.vault import Vault
from services.matching.rules.rule_book import CLOSING, closed_refusal
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.market_commands import MakeTransfer
from shared.logs.option_commands import Exercise

_OK = Refusal(Code.OK, "")


class Exercises:
    """
    All exercises of a shard.

    Args:
        floor: Its instruments and accounts.
        vault: Makes the transfers.
    """

    def __init__(self, floor: Floor, vault: Vault) -> None:
        self._floor = floor
        self._vault = vault

    def carry_out(self, command: Exercise) -> Refusal:  # noqa: PLR0911 - one a rule
        """Exercise lots of an option, or say why not; nothing has changed then. O(rules and parts held back)."""
        floor = self._floor
        if floor.accounting is None:
            return NO_ACCOUNTS
        market = floor.instruments.get(command.instrument)
        if market is None:
            return unknown_instrument(command.instrument)
        terms = option_terms(market.instrument.option)
        if terms is None:
            rule = f"instrument: {market.symbol} is nothing that is exercised here"
            return Refusal(Code.BAD_REQUEST, rule)
        if not TRANSFER_ID.fullmatch(command.exercise_id):
            return Refusal(Code.BAD_REQUEST, "exercise_id: is 1 to 36 letters, digits and . _ : -")
        known = _remembered(command)
        transfers = floor.accounting.transfers
        repeated = transfers.repeated(known)
        if repeated is not None:
            return repeated if repeated.code is Code.OK else _used_before(command)
        account = self._vault.account(command.user)
        refusal = self._forbidden(account, market, terms, command.lots) or self._missing(
            account, market, terms, command
        )
        if refusal is not None:
            return refusal
        transfers.remember(known)
        self._vault.exercise(account, market.symbol, terms, command.lots, command.exercise_id)
        return _OK

    def _forbidden(
        self, account: FundedAccount, market: TradedInstrument, terms: OptionTerms, lots: int
    ) -> Refusal | None:
        symbol, floor = market.symbol, self._floor
        if market.life is not Life.TRADING:
            return Refusal(Code.NOT_OPEN, f"instrument: {symbol} has expired")
        if terms.style == "expiry":
            return Refusal(Code.NOT_OPEN, f"instrument: {symbol} is exercised at its expiry only")
        if not 1 <= lots <= market.instrument.quantity_max:
            rule = f"lots: must be from 1 to {market.instrument.quantity_max:,}, not {lots:,}"
            return Refusal(Code.QUANTITY_OUT_OF_RANGE, rule)
        for concerned in (symbol, terms.underlying):
            closing = floor.company.closing(account.user, account.groups, concerned)
            if closing.kill is not None:
                return closing.kill
            under = closing.rules
            for each in under:
                if each.kind in CLOSING and each.parameters.exercise:
                    return closed_refusal(under, each, account.groups, concerned, floor.time)
        return None

    def _missing(
        self, account: FundedAccount, market: TradedInstrument, terms: OptionTerms, command: Exercise
    ) -> Refusal | None:
        """Return why one of the two cannot give, or take, what changes hands."""
        vault, lots = self._vault, command.lots
        free = vault.free_lots(account, market.symbol)
        if lots > free:
            rule = f"lots: needs {lots_text(lots)}, {max(free, 0):,} are free"
            return Refusal(Code.INSUFFICIENT_HOLDINGS, rule)
        cost, shares = vault.strike_value(terms, lots), lots * terms.multiplier
        currency = self._floor.instruments[terms.underlying].currency
        if terms.right == "call":
            money = account.free_cash(currency)
            if cost > money:
                rule = f"lots: needs {money_text(cost, currency)}, {money_text(max(money, 0))} are free"
                return Refusal(Code.INSUFFICIENT_CASH, rule)
        else:
            held = vault.free_lots(account, terms.underlying)
            if shares > held:
                rule = f"lots: needs {lots_text(shares)} of {terms.underlying}, {max(held, 0):,} are free"
                return Refusal(Code.INSUFFICIENT_HOLDINGS, rule)
        given, amount = (terms.underlying, shares) if terms.right == "call" else (currency, cost)
        if not vault.can_give(given, amount):
            rule = f"lots: all accounts together would have too much of {given}"
            return Refusal(Code.AMOUNT_OUT_OF_RANGE, rule)
        if not (vault.has_room(account, terms.underlying) and vault.has_room(vault.account(ISSUER), market.symbol)):
            rule = f"lots: the exchange keeps {HOLDINGS_MAX:,} holdings, and there is no room for another"
            return Refusal(Code.TOO_MANY_HOLDINGS, rule)
        return None


def _remembered(command: Exercise) -> MakeTransfer:
    """Return how an exercise is remembered: no transfer of an administrator has such a name, nor another user's."""
    name, kind = f"{command.user}/{command.exercise_id}", TransferKind.EXERCISE
    return MakeTransfer(
        "", 0, "", name, kind, command.instrument, command.user, ISSUER, command.lots, 0, "", cancel_orders=False
    )


def _used_before(command: Exercise) -> Refusal:
    rule = f"exercise_id: {command.exercise_id} was used before, for another exercise"
    return Refusal(Code.DUPLICATE_TRANSFER, rule)
