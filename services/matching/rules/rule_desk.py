"""Rules, kills and clearances carried out: what is set, when it begins and ends, and which orders that ends.

Owns the way from a command or a timer to the orders that may stand no longer. What rules say of an order is asked of
`CompanyRules`; what may be set, of `rule_forms`. Invariant: after each command and each timer no order rests that a
rule forbids, but for those that a sweep has still to end, whose instruments are paused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from openoutcry.wire.types import Code
from services.matching.accounts.account import UserAccount
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.gate import Closing
from services.matching.book.order import Order
from services.matching.rules.clearances import Clearance, clearance_of
from services.matching.rules.company_rules import whole_reason
from services.matching.rules.kills import GROUP_SCOPE, INSTRUMENT_SCOPE, USER_SCOPE, Kill
from services.matching.rules.rule_book import concerns_user, has_ended, next_turn
from services.matching.rules.rule_forms import clearance_of_command, loosens, rule_of_command
from services.matching.rules.rule_outlook import RuleCommand, RuledFloor, RuleOutlook
from services.matching.timers import EXPIRY_RANK, RULE_RANK
from services.matching.traded_instrument import Refusal
from shared.logs.rule_commands import Rule, RuleKind, SetClearance, SetKill, SetRule

RULE_TIMER: Final = "rule"
CLEARANCE_TIMER: Final = "clearance"
_OK: Final = Refusal(Code.OK, "")


class RuleDesk:
    """
    The desk of one shard's rules.

    Args:
        floor: Where orders rest.
    """

    def __init__(self, floor: RuledFloor) -> None:
        self._floor = floor
        floor.on_timer[RULE_TIMER] = self._turn
        floor.on_timer[CLEARANCE_TIMER] = self._expire

    def loosens(self, command: object) -> bool:
        """Tell whether a command allows what was forbidden, and so needs a second person; False for all others' own."""
        match command:
            case SetRule():
                return loosens(self._floor.company.rule_book.find(command.rule_id), command, self._floor.time)
            case SetKill():
                return not command.on and self._floor.company.kills.has(command.scope, command.name)
            case SetClearance():
                return command.lots > 0
        return False

    # Carrying out.

    def carry_out(self, command: RuleCommand) -> tuple[Refusal, int]:
        """
        Carry out one command, or refuse it; the same again changes nothing.

        Returns:
            Code and sentence, OK if it was carried out, and how many orders it ended at once.

        Cost: O(accounts and their orders) where a rule begins or a group is stopped, a fraction of a µs each; and O(1)
        for each order ended. Gates are compiled anew.
        """
        floor = self._floor
        refusal = RuleOutlook(floor).refusal(command, floor.instruments, has_accounts=floor.accounting is not None)
        if refusal is not None:
            return refusal, 0
        match command:
            case SetRule():
                return _OK, self._set_rule(command)
            case SetKill():
                return _OK, self._set_kill(command)
            case SetClearance():
                return _OK, self._set_clearance(command)

    def _set_rule(self, command: SetRule) -> int:
        floor, book = self._floor, self._floor.company.rule_book
        old, new = book.find(command.rule_id), rule_of_command(command)
        if old == new or (old is None and new.kind is RuleKind.NONE):
            return 0
        if old is not None and (new.kind is not RuleKind.SELL_SHARE or has_ended(new, floor.time)):
            self._floor.company.sold_shares.end(old.rule_id)
        if new.kind is RuleKind.NONE:
            book.remove(new.rule_id)
            floor.timers.forget(RULE_TIMER, new.rule_id)
            concerned = old
        else:
            book.set(new, floor.time)
            self._wait_for(new)
            concerned = new
        self._forget_gates()
        assert concerned is not None
        ended = self._end_under(concerned)
        if old is not None and old.kind is RuleKind.WINDOW and concerned is not old:
            ended += self._end_under(old)  # whom its window was open to
        return ended

    def _set_kill(self, command: SetKill) -> int:
        kills = self._floor.company.kills
        if kills.has(command.scope, command.name) is command.on:
            return 0
        if command.on:
            kills.set(Kill(command.scope, command.name, self._floor.time, command.reason))
        else:
            kills.lift(command.scope, command.name)
        self._forget_gates()
        if not command.on:
            return 0
        scope, name = command.scope, command.name
        accounts: Iterable[UserAccount] = list(self._floor.accounts.values())
        if scope == USER_SCOPE:
            accounts = [self._floor.accounts[name]] if name in self._floor.accounts else []
        elif scope == GROUP_SCOPE:
            accounts = [each for each in accounts if isinstance(each, FundedAccount) and name in each.groups]
        symbol = name if scope == INSTRUMENT_SCOPE else None
        orders = [
            order for each in accounts for order in each.orders.values() if symbol is None or order.instrument == symbol
        ]
        return self._floor.sweep(orders, Code.KILLED)

    def _set_clearance(self, command: SetClearance) -> int:
        given = self._floor.company.clearances
        held = given.find(command.clearance_id)
        if command.lots:
            if held is None:
                given.give(clearance_of_command(command))
                self._floor.company.changed()
                self._floor.timers.set(CLEARANCE_TIMER, command.clearance_id, command.until_us, EXPIRY_RANK)
            return 0
        self._floor.timers.forget(CLEARANCE_TIMER, command.clearance_id)
        return self._end_clearance(held, Code.CLEARANCE_EXPIRED) if held is not None else 0

    # What happens by itself.

    def _turn(self, rule_id: str) -> None:
        """Let a rule begin or end."""
        rule = self._floor.company.rule_book.find(rule_id)
        if rule is None:
            return
        self._wait_for(rule)
        if self._floor.company.rule_book.turn(rule_id, self._floor.time):
            if has_ended(rule, self._floor.time):
                self._floor.company.sold_shares.end(rule_id)
            self._forget_gates()
            self._end_under(rule)

    def _wait_for(self, rule: Rule) -> None:
        moment = next_turn(rule, self._floor.time)
        if moment:
            self._floor.timers.set(RULE_TIMER, rule.rule_id, moment, RULE_RANK)
        else:
            self._floor.timers.forget(RULE_TIMER, rule.rule_id)

    def _expire(self, clearance_id: str) -> None:
        clearance = self._floor.company.clearances.find(clearance_id)
        if clearance is not None:
            self._end_clearance(clearance, Code.CLEARANCE_EXPIRED)

    def _end_clearance(self, clearance: Clearance, reason: Code) -> int:
        name = clearance.clearance_id
        self._floor.company.clearances.end(name)
        self._floor.company.changed()
        account = self._floor.accounts.get(clearance.user)
        if account is None:
            return 0
        orders = [order for order in account.orders.values() if clearance_of(order) == name]
        return self._floor.sweep(orders, reason) if orders else 0

    # Ending what may stand no longer.

    def end_forbidden(self, account: UserAccount, symbol: str | None = None) -> int:
        """End a user's orders, of one instrument or (None) of all, that rules forbid now; returns how many."""
        found: dict[Code, list[Order]] = {}
        self._find(account, (symbol,) if symbol is not None else (), found)
        return self._end(found)

    def end_crossed(self) -> None:
        """End the orders that their users' own trades have made forbidden, since the last call."""
        for user, symbol in self._floor.company.take_crossed():
            self.end_forbidden(self._floor.accounts[user], symbol)

    def _end_under(self, rule: Rule) -> int:
        """End the orders of all whom a rule concerns that may stand no longer."""
        concerned: dict[tuple[str, ...], bool] = {}  # many users are in the same groups
        found: dict[Code, list[Order]] = {}
        for account in self._floor.accounts.values():
            if account.orders and isinstance(account, FundedAccount):
                is_concerned = concerned.get(account.groups)
                if is_concerned is None:
                    is_concerned = concerned[account.groups] = concerns_user(rule, account.groups)
                if is_concerned:
                    self._find(account, rule.instruments, found)
        return self._end(found)

    def _find(self, account: UserAccount, symbols: Sequence[str], found: dict[Code, list[Order]]) -> None:
        """Add a user's forbidden orders to those found, by reason; of some instruments, or () of all."""
        by_symbol: dict[str, list[Order]] = {}
        for order in account.orders.values():
            if not symbols or order.instrument in symbols:
                by_symbol.setdefault(order.instrument, []).append(order)
        company, time_us = self._floor.company, self._floor.time
        for symbol, orders in by_symbol.items():
            closing = self._closing(account, symbol)
            reason = whole_reason(closing)
            if reason is not Code.OK:
                found.setdefault(reason, []).extend(orders)
                continue
            for order, each in company.forbidden(account, symbol, closing, orders, time_us):
                found.setdefault(each, []).append(order)

    def _closing(self, account: UserAccount, symbol: str) -> Closing:
        accounting = self._floor.accounting
        if accounting is None or not isinstance(account, FundedAccount):
            return self._floor.company.closing(account.user, (), symbol)
        gate = accounting.limits.gate(account, self._floor.instruments[symbol])
        return Closing(gate.kill, gate.rules, gate.is_closing)

    def _end(self, found: Mapping[Code, Iterable[Order]]) -> int:
        return sum([self._floor.sweep(orders, reason) for reason, orders in found.items()])

    def _forget_gates(self) -> None:
        self._floor.company.changed()
        if self._floor.accounting is not None:
            self._floor.accounting.limits.forget()

    # For those who ask.

    def sections(self) -> list[tuple[list[Any], Callable[[Any], tuple[Any, ...]]]]:
        """Return what is set, and how a row is made of each."""
        company = self._floor.company
        return [
            (company.rule_book.rows(), _rule_row),
            (company.kills.rows(), _kill_row),
            (company.clearances.rows(), _clearance_row),
        ]


def _given(command: SetClearance) -> Clearance:
    return Clearance(*command[3:])


def _rule_row(row: tuple[Rule, bool]) -> tuple[Any, ...]:
    rule, is_in_force = row
    parameters = {name: value for name, value in rule.parameters._asdict().items() if value}
    *fields, _, discreet = rule
    return "rule", *fields, parameters, discreet, is_in_force


def _kill_row(kill: Kill) -> tuple[Any, ...]:
    return "kill", *kill


def _clearance_row(row: tuple[Clearance, int]) -> tuple[Any, ...]:
    clearance, used = row
    return "clearance", *clearance, used
