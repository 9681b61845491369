"""What a market would be if it did as proposed: every action is asked ahead, before the first is carried out.

Owns the checks of actions against a market in which those before them have been carried out. Nothing changes here. So a
proposal is carried out whole or not at all. Checks are strict where several transfers meet: what one brings is not
counted for the next.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Final, Protocol

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.option_terms import option_terms
from openoutcry.wire.types import Code, MarketState, TransferKind
from services.matching.accounts.account import UserAccount
from services.matching.accounts.accounting import HOLDINGS_MAX, Accounting
from services.matching.accounts.administration import groups_fault, limits_fault, terms_refusal
from services.matching.accounts.funded_account import RESTRICTED_MAX, FundedAccount
from services.matching.accounts.limits import LIMITS_MAX
from services.matching.accounts.transfers import FREE_TEXT, SYSTEM_ACCOUNTS, asset_clash
from services.matching.money_text import time_text
from services.matching.order_refusals import late_refusal
from services.matching.schedule import Plan, schedule_fault
from services.matching.traded_instrument import INSTRUMENTS_MAX, Refusal, TradedInstrument
from shared.logs.commands import ActionCommand, ListInstrument, ProposedAction, SetMarketState
from shared.logs.market_commands import (
    NOTE_MAX,
    BeginAccounts,
    EndOrders,
    MakeTransfer,
    SetGroups,
    SetLimits,
    SetTerms,
)
from shared.logs.option_commands import SetSettlementPrice
from shared.logs.rule_commands import SetClearance, SetKill, SetRule
from shared.logs.session_commands import EndCall, SetSchedule
from shared.token_claims import USER

DAY: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
SETTABLE_STATES: Final = (MarketState.OPEN, MarketState.HALTED, MarketState.CLOSED)
NO_ACCOUNTS: Final = Refusal(Code.BAD_REQUEST, "accounts: this market keeps none; begin them before anything else")
_TOGETHER: Final = (TransferKind.DEPOSIT, TransferKind.GRANT)
"""Transfers that may be proposed with others: what they need, `~bank` and `~issuer` always have."""


class RulesAhead(Protocol):
    """A company's rules as the actions asked of so far would leave them."""

    def refusal(
        self,
        command: SetRule | SetKill | SetClearance,
        instruments: Mapping[str, TradedInstrument],
        *,
        has_accounts: bool,
    ) -> Refusal | None:
        """Return why a command cannot be carried out next in a market of these instruments, or None."""


class Outlook:
    """
    A market as the actions asked of so far would leave it.

    Args:
        instruments: By symbol; read only, like the others.
        accounts: By user.
        accounting: None if the market keeps no accounts.
        plans: Of the calendars.
        four_eyes: As decided so far.
        time_us: The market's.
        rules: What may be set of the company's rules.
        is_late: Whether not all has happened yet that is due.
    """

    def __init__(
        self,
        instruments: Mapping[str, TradedInstrument],
        accounts: Mapping[str, UserAccount],
        accounting: Accounting | None,
        plans: Mapping[str, Plan],
        *,
        four_eyes: bool,
        time_us: int,
        rules: RulesAhead,
        is_late: bool,
    ) -> None:
        self._is_late = is_late
        self._time_us = time_us
        self._rules = rules
        self._instruments = dict(instruments)  # its own, since every action may look at all of them
        self._currencies: dict[str, None] | None = None  # gathered when somebody asks
        self._accounts = accounts
        self._accounting = accounting
        self._plans = plans
        self._four_eyes = four_eyes
        self._limits: dict[tuple[str, str, str | None], None] = {}
        self._transfers: dict[str, None] = {}
        self._sums: dict[tuple[str, str], int] = {}
        self._holdings: dict[tuple[str, str], None] = {}
        self._dates: dict[tuple[str, str], dict[int, None]] = {}

    def refusal(self, actions: Sequence[ProposedAction]) -> Refusal | None:
        """Return why not all of these can be carried out, or None: they can. O(actions and instruments)."""
        for place, action in enumerate(actions):
            refusal = self._alone(action, actions) or self._refusal(action.command)
            if refusal is not None:
                where = f"actions.{place}.{action.name}: " if len(actions) > 1 else ""
                return Refusal(refusal.code, where + refusal.text)
        return None

    def _alone(self, action: ProposedAction, actions: Sequence[ProposedAction]) -> Refusal | None:
        command = action.command
        together = not isinstance(command, EndOrders | MakeTransfer) or (
            isinstance(command, MakeTransfer) and command.kind in _TOGETHER
        )
        if together or len(actions) == 1:
            return None
        return Refusal(Code.BAD_REQUEST, "is proposed alone; of transfers, deposits and grants go together")

    def _refusal(self, command: ActionCommand) -> Refusal | None:  # noqa: C901, PLR0911, PLR0912 - one a kind
        match command:
            case ListInstrument():
                return self._listing(command)
            case BeginAccounts():
                return self._beginning(command)
            case SetMarketState():
                return self._state(command)
            case EndOrders():
                return self._ending(command)
            case SetSchedule():
                fault = schedule_fault(command, self._plans, self._time_us)
                return Refusal(Code.BAD_REQUEST, fault) if fault is not None else None
            case EndCall():
                if self._is_late:
                    return late_refusal(command.instrument)
                return None  # what it ends may have ended by itself when another person confirms it
            case SetSettlementPrice():
                return price_refusal(command, self._instruments, kept=self._accounting is not None)
            case SetTerms():
                return terms_refusal(command, self._instruments) if self._accounting is not None else NO_ACCOUNTS
            case SetLimits():
                return self._limit(command)
            case SetGroups():
                fault = groups_fault(command)
                if self._accounting is None:
                    return NO_ACCOUNTS
                return Refusal(Code.BAD_REQUEST, fault) if fault is not None else None
            case MakeTransfer():
                return self._transfer(command)
            case SetRule() | SetKill() | SetClearance():
                return self._rules.refusal(command, self._instruments, has_accounts=self._accounting is not None)

    def _listing(self, command: ListInstrument) -> Refusal | None:
        currencies = None
        if self._accounting is not None:
            currencies = self._gathered()
        refusal = listing_refusal(command, self._instruments, currencies, self._time_us)
        if refusal is None and command.instrument.symbol not in self._instruments:
            self._instruments[command.instrument.symbol] = TradedInstrument(command.instrument)
            if currencies is not None:
                currencies[command.instrument.currency] = None
        return refusal

    def _gathered(self) -> dict[str, None]:
        """Return the currencies of what is listed; O(instruments) the first time."""
        if self._currencies is None:
            self._currencies = dict.fromkeys([each.currency for each in self._instruments.values()])
        return self._currencies

    def _beginning(self, command: BeginAccounts) -> Refusal | None:
        begun = self._accounting is not None
        refusal = beginning_refusal(command, self._instruments, self._accounts, begun=begun, four_eyes=self._four_eyes)
        if refusal is None and not begun:
            self._accounting, self._four_eyes = Accounting(), command.four_eyes
        return refusal

    def _state(self, command: SetMarketState) -> Refusal | None:
        if not FREE_TEXT.fullmatch(command.reason):
            rule = f"reason: is at most {NOTE_MAX} characters, none of them a control character"
            return Refusal(Code.BAD_REQUEST, rule)
        return state_refusal(command, self._instruments)

    def _ending(self, command: EndOrders) -> Refusal | None:
        if not USER.fullmatch(command.user):
            return Refusal(Code.BAD_REQUEST, f"user: {command.user!r} cannot be a user's name")
        if command.instrument is not None and command.instrument not in self._instruments:
            return unknown_instrument(command.instrument)
        return None

    def _limit(self, command: SetLimits) -> Refusal | None:
        if self._accounting is None:
            return NO_ACCOUNTS
        fault = limits_fault(command, self._instruments)
        key = (command.user, command.group, command.instrument)
        limits = self._accounting.limits
        if fault is None and not limits.has(*key):
            self._limits[key] = None
            if len(limits) + len(self._limits) > LIMITS_MAX:
                fault = f"limits: {LIMITS_MAX:,} are set, and there is no room for more"
        return Refusal(Code.BAD_REQUEST, fault) if fault is not None else None

    def _transfer(self, command: MakeTransfer) -> Refusal | None:
        accounting = self._accounting
        if accounting is None:
            return NO_ACCOUNTS
        refusal = accounting.transfers.repeated(command)
        if refusal is not None:
            return refusal if refusal.code is not Code.OK else None
        if command.transfer_id in self._transfers:
            rule = f"transfer_id: {command.transfer_id} stands twice"
            return Refusal(Code.DUPLICATE_TRANSFER, rule)
        self._transfers[command.transfer_id] = None
        refusal = self._own_fault(command, accounting)
        if refusal is not None:
            return refusal
        given = (command.debit, command.asset)
        self._sums[given] = self._sums.get(given, 0) + command.amount
        together = command._replace(amount=self._sums[given])
        refusal = self._own_fault(together, accounting)
        return refusal or self._crowded(command, accounting) or self._missing(command, accounting)

    def _own_fault(self, command: MakeTransfer, accounting: Accounting) -> Refusal | None:
        currencies = self._gathered()
        return accounting.transfer_refusal(command, self._accounts, self._instruments, currencies, self._time_us)

    def _crowded(self, command: MakeTransfer, accounting: Accounting) -> Refusal | None:
        """Return why the credited account cannot take the lots too, or None."""
        if command.asset not in self._instruments:
            return None
        taken = (command.credit, command.asset)
        account = self._accounts.get(command.credit)
        holding = account.holdings.get(command.asset) if isinstance(account, FundedAccount) else None
        if holding is None:
            self._holdings[taken] = None
        if accounting.holdings.held + len(self._holdings) >= HOLDINGS_MAX:
            rule = f"asset: the exchange keeps {HOLDINGS_MAX:,} holdings, and there is no room for another"
            return Refusal(Code.TOO_MANY_HOLDINGS, rule)
        if command.available_from > self._time_us:
            dates = self._dates.setdefault(taken, {})  # those that are new
            if holding is None or not holding.waits_until(command.available_from):
                dates[command.available_from] = None
            held = holding.dates(self._time_us) if holding is not None else 0
            if dates and held + len(dates) > RESTRICTED_MAX:
                rule = f"available_from: {command.credit} would wait for more than {RESTRICTED_MAX} dates"
                return Refusal(Code.BAD_REQUEST, rule)
        return None

    def _missing(self, command: MakeTransfer, accounting: Accounting) -> Refusal | None:
        if command.debit in SYSTEM_ACCOUNTS:
            return None
        account = self._accounts.get(command.debit)
        if not isinstance(account, FundedAccount):
            account = accounting.account(command.debit)
        is_lots = command.asset in self._instruments
        refusal = accounting.missing(command, account, is_lots=is_lots)
        if refusal is None or not command.cancel_orders:
            return refusal
        freed = accounting.freed(command.asset, account, self._instruments, is_lots=is_lots)
        return refusal if command.amount > freed else None


def listing_refusal(  # noqa: PLR0911 - one a rule
    command: ListInstrument,
    instruments: Mapping[str, TradedInstrument],
    currencies: Container[str] | None,
    time_us: int,
) -> Refusal | None:
    """Return why an instrument cannot be listed, or None: it can, or is; `currencies` None: without accounts. O(1)."""
    instrument = command.instrument
    known = instruments.get(instrument.symbol)
    if known is not None:
        if known.instrument == instrument:
            return None
        rule = f"instrument: {instrument.symbol} is listed already, with another definition"
        return Refusal(Code.BAD_REQUEST, rule)
    if len(instruments) >= INSTRUMENTS_MAX:
        return Refusal(Code.BAD_REQUEST, f"instrument: a shard lists at most {INSTRUMENTS_MAX}")
    try:
        instrument.checked()
    except ConfigurationError as error:
        return Refusal(Code.BAD_REQUEST, str(error))
    fault = _option_fault(instrument, instruments, time_us)
    if fault is not None:
        return Refusal(Code.BAD_REQUEST, f"instrument {instrument.symbol!r}: {fault}")
    symbol, currency = instrument.symbol, instrument.currency
    if currencies is not None and (currency == symbol or currency in instruments or symbol in currencies):
        clash = asset_clash(instrument, instruments)
        return Refusal(Code.BAD_REQUEST, clash) if clash is not None else None
    return None


def _option_fault(instrument: Instrument, instruments: Mapping[str, TradedInstrument], time_us: int) -> str | None:
    """Return why an option could not be exercised or settled here, or None."""
    terms = option_terms(instrument.option)
    if terms is None:
        return None
    underlying = instruments.get(terms.underlying)
    if underlying is None or underlying.life:
        return f"option.underlying: {terms.underlying} is not listed"
    if underlying.currency != instrument.currency:
        money = f"{underlying.currency}, and not in {instrument.currency}"
        return f"option.underlying: {terms.underlying} is traded in {money}"
    if terms.expires_at <= time_us:
        return f"option.expires_at: {time_text(terms.expires_at)} is past"
    return None


def price_refusal(
    command: SetSettlementPrice, instruments: Mapping[str, TradedInstrument], *, kept: bool
) -> Refusal | None:
    """Return why a settlement price cannot be set, or None; `kept`: whether the market keeps accounts."""
    if not kept:
        return NO_ACCOUNTS
    market = instruments.get(command.instrument)
    if market is None:
        return unknown_instrument(command.instrument)
    if not DAY.fullmatch(command.day):
        return Refusal(Code.BAD_REQUEST, f"day: is a day as 2027-03-19, not {command.day!r}")
    if not 1 <= command.price <= market.instrument.price_max:
        rule = f"price: must be from 1 to {market.instrument.price_max} ticks, not {command.price}"
        return Refusal(Code.PRICE_OUT_OF_RANGE, rule)
    return None


def beginning_refusal(
    command: BeginAccounts,
    instruments: Mapping[str, TradedInstrument],
    accounts: Mapping[str, UserAccount],
    *,
    begun: bool,
    four_eyes: bool,
) -> Refusal | None:
    """Return why accounts cannot begin, or None: they can, or have. O(instruments)."""
    if begun:
        if command.four_eyes is four_eyes:
            return None
        return Refusal(Code.BAD_REQUEST, "four_eyes: was decided when the accounts began, and stays")
    if accounts:
        rule = f"accounts: begin before anybody is known to the market; {len(accounts):,} users are"
        return Refusal(Code.BAD_REQUEST, rule)
    for market in instruments.values():
        if market.instrument.currency in instruments:
            clash = asset_clash(market.instrument, instruments)
            assert clash is not None
            return Refusal(Code.BAD_REQUEST, clash)
    return None


def state_refusal(command: SetMarketState, instruments: Mapping[str, TradedInstrument]) -> Refusal | None:
    """Return why an instrument's state cannot be set so, or None."""
    if command.instrument not in instruments:
        return unknown_instrument(command.instrument)
    if command.state not in SETTABLE_STATES:
        rule = f"state: must be one of {', '.join(SETTABLE_STATES)}, not {command.state}"
        return Refusal(Code.BAD_REQUEST, rule)
    if instruments[command.instrument].life:
        return Refusal(Code.BAD_REQUEST, f"instrument: {command.instrument} has expired")
    return None


def unknown_instrument(symbol: str) -> Refusal:
    """Return how a command ends that names what is not listed."""
    return Refusal(Code.UNKNOWN_INSTRUMENT, f"instrument: there is no {symbol}")
