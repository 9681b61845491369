"""Commands of the market's administration, carried out: transfers, limits, groups, terms.

Owns their rules of form and the two halves of a transfer. What `Accounting` refuses, and what is wrong in form, changes
nothing. Invariant: both halves of a transfer are booked by the same command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from openoutcry.wire.tick_table import tick_table_fault
from openoutcry.wire.types import Code
from services.matching.accounts.account import UserAccount
from services.matching.accounts.accounting import Accounting
from services.matching.accounts.booking import booked
from services.matching.accounts.funded_account import NOT_COMPILED, FundedAccount
from services.matching.accounts.limits import LIMITS_MAX
from services.matching.book.order import Order
from services.matching.session_terms import session_fault
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.events import Event
from shared.logs.market_commands import MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.token_claims import USER

AdministrationCommand: TypeAlias = MakeTransfer | SetLimits | SetGroups | SetTerms

GROUP: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
COLLAR_BP_MAX: Final = 9_999
"""Just below 100 %: the lowest price stays above 0."""
LIMIT_MAX: Final = 2**63 - 1
RATE_MAX: Final = 1_000_000
"""Messages a second."""
_OK: Final = Refusal(Code.OK, "")


class Administration:
    """
    The administration of one shard's market that keeps accounts.

    Args:
        accounting: Balances, limits, and the transfers remembered.
        accounts: By user; read only.
        instruments: By symbol.
        account: Returns a user's account, a new one on first sight.
        end: Ends a resting order, for a reason, and tells its user.
        follow_terms: Has an instrument follow other terms, which it has; with the name of the calendar before.
    """

    def __init__(
        self,
        accounting: Accounting,
        accounts: Mapping[str, UserAccount],
        instruments: Mapping[str, TradedInstrument],
        account: Callable[[str], UserAccount],
        end: Callable[[UserAccount, Order, Code], None],
        follow_terms: Callable[[TradedInstrument, str], None],
    ) -> None:
        self._accounting = accounting
        self._accounts = accounts
        self._instruments = instruments
        self._account = account
        self._end = end
        self._follow_terms = follow_terms

    def carry_out(self, command: AdministrationCommand, time_us: int, events: list[Event]) -> tuple[Refusal, int]:
        """
        Carry out one command, or refuse it; what happened is appended to `events`.

        Returns:
            Code and sentence, OK if it was carried out, and how many orders it ended.

        Cost: O(1), and O(1) for each order ended; limits and groups have gates compiled anew.
        """
        match command:
            case MakeTransfer():
                return self._transfer(command, time_us, events)
            case SetLimits():
                return self._set_limits(command), 0
            case SetGroups():
                return self._set_groups(command), 0
            case SetTerms():
                return self._set_terms(command, time_us, events), 0

    def _transfer(self, command: MakeTransfer, time_us: int, events: list[Event]) -> tuple[Refusal, int]:
        accounting = self._accounting
        refusal = accounting.transfers.repeated(command)
        if refusal is None:
            currencies = accounting.currencies(self._instruments)
            refusal = accounting.transfer_refusal(command, self._accounts, self._instruments, currencies, time_us)
        if refusal is not None:
            return refusal, 0
        is_lots = command.asset in self._instruments
        account = self._funded(command.debit)
        cancelled = 0
        refusal = accounting.missing(command, account, is_lots=is_lots)
        if refusal is not None and command.cancel_orders:
            refusal, cancelled = self._make_room(command, account, refusal, is_lots=is_lots)
        if refusal is not None:
            return refusal, 0
        accounting.transfers.remember(command)
        market = self._instruments.get(command.asset)
        for user, amount in ((command.debit, -command.amount), (command.credit, command.amount)):
            until = command.available_from if amount > 0 else 0
            named = (command.transfer_id, command.kind, command.asset)
            events.append(booked(self._funded(user), market, *named, amount, until, time_us))
        return _OK, cancelled

    def _make_room(
        self, command: MakeTransfer, account: FundedAccount, refusal: Refusal, *, is_lots: bool
    ) -> tuple[Refusal | None, int]:
        """End an account's newest orders of an asset until a transfer fits; none of them if it never would."""
        accounting = self._accounting
        if command.amount > accounting.freed(command.asset, account, self._instruments, is_lots=is_lots):
            return refusal, 0
        orders = accounting.reserving(command.asset, account, self._instruments, is_lots=is_lots)
        ended = 0
        while command.amount > accounting.free(command.asset, account, is_lots=is_lots):
            self._end(account, orders.pop(), Code.BY_EXCHANGE)
            ended += 1
        return None, ended

    def _set_limits(self, command: SetLimits) -> Refusal:
        limits = self._accounting.limits
        fault = limits_fault(command, self._instruments)
        if fault is None and not limits.has_room(command.user, command.group, command.instrument):
            fault = f"limits: {LIMITS_MAX:,} are set, and there is no room for more"
        if fault is not None:
            return Refusal(Code.BAD_REQUEST, fault)
        limits.set(command.user, command.group, command.instrument, command.limits)
        return _OK

    def _set_groups(self, command: SetGroups) -> Refusal:
        fault = groups_fault(command)
        if fault is not None:
            return Refusal(Code.BAD_REQUEST, fault)
        account = self._funded(command.user)
        account.groups = tuple(sorted(set(command.groups)))
        for holding in account.holdings.values():
            holding.gate = NOT_COMPILED
        return _OK

    def _set_terms(self, command: SetTerms, time_us: int, events: list[Event]) -> Refusal:
        refusal = terms_refusal(command, self._instruments)
        if refusal is not None:
            return refusal
        market = self._instruments[command.instrument]
        calendar = market.calendar
        if market.set_terms(command, time_us):
            self._accounting.limits.forget()
            events.append(market.terms())
            self._follow_terms(market, calendar)
        return _OK

    def _funded(self, user: str) -> FundedAccount:
        account = self._account(user)
        assert isinstance(account, FundedAccount)
        return account


def terms_refusal(command: SetTerms, instruments: Mapping[str, TradedInstrument]) -> Refusal | None:
    """Return why an instrument's terms cannot be set so, or None."""
    market = instruments.get(command.instrument)
    if market is None:
        return Refusal(Code.UNKNOWN_INSTRUMENT, f"instrument: there is no {command.instrument}")
    price_max = market.instrument.price_max
    if not 0 <= command.reference <= price_max:
        rule = f"reference: is from 1 to {price_max} ticks, or 0 for none, not {command.reference}"
        return Refusal(Code.BAD_REQUEST, rule)
    if not 0 <= command.collar_bp <= COLLAR_BP_MAX:
        rule = f"collar_bp: is from 1 to {COLLAR_BP_MAX} basis points, or 0 for none, not {command.collar_bp}"
        return Refusal(Code.BAD_REQUEST, rule)
    fault = tick_table_fault(command.tick_table)
    if fault is not None:
        place, field, rule = fault
        where = f"tick_table.{place}.{field}" if field else "tick_table"
        return Refusal(Code.BAD_REQUEST, f"{where}: {rule}")
    wrong = session_fault(command, market)
    return Refusal(Code.BAD_REQUEST, wrong) if wrong is not None else None


def limits_fault(command: SetLimits, instruments: Mapping[str, TradedInstrument]) -> str | None:  # noqa: PLR0911 - one a rule
    """Return what is wrong with limits, or None."""
    if command.user and command.group:
        return "group: limits are of a user or of a group, not of both"
    if command.user and not USER.fullmatch(command.user):
        return f"user: {command.user!r} cannot be a user's name"
    if command.group and not GROUP.fullmatch(command.group):
        return f"group: is 1 to 32 letters, digits and . _ -, not {command.group!r}"
    if command.instrument is not None and command.instrument not in instruments:
        return f"instrument: there is no {command.instrument}"
    for field, value in command.limits._asdict().items():
        least, most = _RANGES.get(field, (0, LIMIT_MAX))
        if value is not None and not least <= value <= most:
            return f"{field}: must be from {least} to {most}, not {value}"
    if command.instrument is not None and command.limits.messages_per_second is not None:
        return "messages_per_second: counts in all instruments, and cannot name one"
    return None


_RANGES: Final = {
    "order_quantity_max": (1, LIMIT_MAX),
    "order_value_max": (1, LIMIT_MAX),
    "collar_bp": (1, COLLAR_BP_MAX),
    "messages_per_second": (1, RATE_MAX),
}


def groups_fault(command: SetGroups) -> str | None:
    """Return what is wrong with a user's groups, or None."""
    if not USER.fullmatch(command.user):
        return f"user: {command.user!r} cannot be a user's name"
    wrong = [group for group in command.groups if not GROUP.fullmatch(group)]
    return f"groups: each is 1 to 32 letters, digits and . _ -, not {wrong[0]!r}" if wrong else None
