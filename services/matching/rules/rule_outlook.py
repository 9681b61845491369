"""What a company's rules would be if they were set as asked: what can be set, and what there is room for.

Owns the checks of commands against what is set, and against those that were asked of before in the same proposal, so
that it is carried out whole or not at all. Nothing changes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from openoutcry.wire.types import Code
from services.matching.accounts.account import UserAccount
from services.matching.accounts.accounting import Accounting
from services.matching.accounts.outlook import NO_ACCOUNTS
from services.matching.book.order import Order
from services.matching.chores import Chores
from services.matching.rules.clearances import CLEARANCES_MAX, Clearance
from services.matching.rules.company_rules import CompanyRules
from services.matching.rules.kills import GROUP_SCOPE, KILLS_MAX
from services.matching.rules.rule_book import RULES_MAX
from services.matching.rules.rule_forms import clearance_fault, clearance_of_command, kill_fault, rule_fault
from services.matching.timers import TIMERS_MAX, Timers
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.rule_commands import RuleKind, SetClearance, SetKill, SetRule

RuleCommand: TypeAlias = SetRule | SetKill | SetClearance


class RuledFloor(Protocol):
    """What is needed of the trading floor."""

    time: int
    instruments: dict[str, TradedInstrument]
    accounts: dict[str, UserAccount]
    accounting: Accounting | None
    company: CompanyRules
    timers: Timers
    on_timer: dict[str, Callable[[str], None]]
    chores: Chores

    def undertake(self, kind: str, *about: Any) -> None:
        """Begin a chore."""

    def sweep(self, orders: Iterable[Order], reason: Code) -> int:
        """End orders, in parts if they are many."""


class RuleOutlook:
    """
    Rules, kills and clearances as the commands asked of so far would leave them.

    Args:
        floor: The market as it is; read only.
    """

    def __init__(self, floor: RuledFloor) -> None:
        self._floor = floor
        self._rules: dict[str, None] = {}
        self._kills: dict[tuple[str, str], None] = {}
        self._clearances: dict[str, Clearance] = {}

    def refusal(
        self, command: RuleCommand, instruments: Mapping[str, TradedInstrument], *, has_accounts: bool
    ) -> Refusal | None:
        """Return why a command cannot be carried out next, in a market of these instruments, or None. O(its names)."""
        needs_accounts = not isinstance(command, SetKill) or command.scope == GROUP_SCOPE
        if needs_accounts and not has_accounts:
            return NO_ACCOUNTS
        match command:
            case SetRule():
                fault = rule_fault(command, instruments) or self._rule_room(command)
            case SetKill():
                fault = kill_fault(command, instruments) or self._kill_room(command)
            case SetClearance():
                fault = clearance_fault(command, instruments, self._floor.time) or self._clearance_room(command)
        return Refusal(Code.BAD_REQUEST, fault) if fault else None

    def _rule_room(self, command: SetRule) -> str:
        book = self._floor.company.rule_book
        if command.kind is RuleKind.NONE or book.find(command.rule_id) is not None:
            return ""
        self._rules[command.rule_id] = None
        if len(book) + len(self._rules) > RULES_MAX:
            return f"rule_id: {RULES_MAX} rules are set, and there is no room for more; remove some that have ended"
        return self._timer_room("from_us")

    def _kill_room(self, command: SetKill) -> str:
        kills, key = self._floor.company.kills, (command.scope, command.name)
        if command.on and not kills.has(*key):
            self._kills[key] = None
            if len(kills) + len(self._kills) > KILLS_MAX:
                return f"name: {KILLS_MAX:,} kills hold, and there is no room for more; stop a group or the market"
        return ""

    def _clearance_room(self, command: SetClearance) -> str:
        given, name = self._floor.company.clearances, command.clearance_id
        if not command.lots:
            return ""
        wanted, held = clearance_of_command(command), self._clearances.get(name) or given.find(name)
        if held is not None:
            return "" if held == wanted else f"clearance_id: {name} was given before; a clearance never changes"
        self._clearances[name] = wanted
        if len(given) + len(self._clearances) > CLEARANCES_MAX:
            return f"clearance_id: {CLEARANCES_MAX:,} clearances hold, and there is no room for more"
        return self._timer_room("until_us")

    def _timer_room(self, field: str) -> str:
        new = len(self._rules) + len(self._clearances)
        if len(self._floor.timers) + new > TIMERS_MAX:
            return f"{field}: {TIMERS_MAX:,} moments are waited for, and there is no room for more"
        return ""
