"""Rules, kills and clearances carried out: what is set, when it begins and ends, and which orders that ends.

Owns the way from a command or a timer to the orders that may stand no longer. What rules say of an order is asked of
`CompanyRules`; what may be set, of `rule_forms`. Invariant: after each command and each timer no order rests that a
rule forbids, but for those that a sweep has still to end, whose instruments are paused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from openoutcry.wire.types import Code
from services.matching.accounts.account import UserAccount
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.gate import Closing
from services.matching.book.order import Order
from services.matching.chores import Chore
from services.matching.rules.clearances import Clearance, clearance_of
from services.matching.rules.company_rules import whole_reason
from services.matching.rules.kills import GROUP_SCOPE, INSTRUMENT_SCOPE, USER_SCOPE, Kill
from services.matching.rules.rule_book import has_ended, next_turn
from services.matching.rules.rule_forms import clearance_of_command, loosens, rule_of_command
from services.matching.rules.rule_outlook import RuleCommand, RuledFloor, RuleOutlook
from services.matching.timers import EXPIRY_RANK, RULE_RANK
from services.matching.traded_instrument import Refusal
from shared.logs.rule_commands import Rule, RuleKind, SetClearance, SetKill, SetRule

RULE_TIMER: Final = "rule"
CLEARANCE_TIMER: Final = "clearance"
LOOK: Final = "look"
"""Chore of looking for orders that are forbidden."""
ACCOUNTS_A_WORK: Final = 8
"""Accounts that are looked at count for one, in the units of `chores.WORK_MAX`;"""
ORDER_WORK: Final = 2
"""each of their orders for this,"""
GATE_WORK: Final = 10
"""and each instrument of theirs for this: what its rules say is compiled anew."""
_OK: Final = Refusal(Code.OK, "")


class RuleDesk:
    """
    The desk of one shard's rules.

    Args:
        floor: Where orders rest.
    """

    def __init__(self, floor: RuledFloor) -> None:
        self._floor = floor
        self._pending: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        self._ended = 0  # by what `settle` looks at, with this command
        floor.chores.does[LOOK] = self._look
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
        Carry out one command, or refuse it; the same again changes nothing. `settle` follows, after several perhaps.

        Returns:
            Code and sentence, OK if it was carried out, and how many orders it ended by itself.

        Cost: O(rules), and O(1) for each order ended. Gates are compiled anew.
        """
        floor = self._floor
        refusal = RuleOutlook(floor).refusal(command, floor.instruments, has_accounts=floor.accounting is not None)
        if refusal is not None:
            return refusal, 0
        match command:
            case SetRule():
                self._set_rule(command)
                return _OK, 0
            case SetKill():
                return _OK, self._set_kill(command)
            case SetClearance():
                return _OK, self._set_clearance(command)

    def _set_rule(self, command: SetRule) -> None:
        floor, book = self._floor, self._floor.company.rule_book
        old, new = book.find(command.rule_id), rule_of_command(command)
        if old == new or (old is None and new.kind is RuleKind.NONE):
            return
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
        self._look_at(concerned.groups, concerned.instruments)
        if old is not None and old.kind is RuleKind.WINDOW and concerned is not old:
            self._look_at(old.groups, old.instruments)  # whom its window was open to

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
        if scope == USER_SCOPE:
            account = self._floor.accounts.get(name)
            return self.end_forbidden(account) if account is not None else 0
        self._look_at((name,) if scope == GROUP_SCOPE else (), (name,) if scope == INSTRUMENT_SCOPE else ())
        return 0

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
        """Let a rule begin or end, and all others that do so at the same moment: orders are looked at once."""
        floor, book = self._floor, self._floor.company.rule_book
        rule = book.find(rule_id)
        if rule is None:
            return
        for each, _ in book.rows():
            if each is not rule and floor.timers.due(RULE_TIMER, each.rule_id) > floor.time:
                continue
            self._wait_for(each)
            if book.turn(each.rule_id, floor.time):
                if has_ended(each, floor.time):
                    floor.company.sold_shares.end(each.rule_id)
                self._look_at(each.groups, each.instruments)
        if self._pending:
            self._forget_gates()
            self.settle()

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
        # `clearance_of`, written out: 500 clearances of one user may end at one moment, of 1,000 orders each.
        specials = [order for order in account.orders.values() if order.special is not None]
        orders = [order for order in specials if order.special is not None and order.special.clearance == name]
        return self._floor.sweep(orders, reason) if orders else 0

    # Ending what may stand no longer.

    def end_forbidden(self, account: UserAccount, symbol: str | None = None) -> int:
        """
        End a user's orders, of one instrument or (None) of all, that rules forbid now; returns how many.

        Cost: 2 µs for each of the user's, `EngineConfig.open_orders_max` at most, and 10 for one that ends.
        """
        found: dict[Code, list[Order]] = {}
        self._find(account, (symbol,) if symbol is not None else (), found)
        return self._end(found)

    def end_crossed(self) -> None:
        """End the orders that their users' own trades have made forbidden, since the last call."""
        for user, symbol in self._floor.company.take_crossed():
            self.end_forbidden(self._floor.accounts[user], symbol)

    def settle(self) -> int:
        """
        End the orders that rules and kills set since the last call forbid; returns how many ended at once.

        Cost: O(accounts), a fraction of a µs each, and O(orders) of those concerned, 2 µs each, 10 for one that ends.
        What is more than one command may look at is looked at with the next ones; nothing trades meanwhile.
        """
        pending, self._pending = self._pending, []
        self._ended = 0
        if pending:
            self._floor.undertake(LOOK, *pending)
        return self._ended

    def _look(self, chore: Chore) -> Chore | None:
        """Look at the orders of some accounts, as many as this command may, and end those that are forbidden."""
        chores, pending = self._floor.chores, chore.about
        looked: dict[tuple[str, ...], Collection[str] | None] = {}  # many users are in the same groups
        found: dict[Code, list[Order]] = {}
        done = chore.done
        for account in islice(self._floor.accounts.values(), done, None):
            if chores.left <= 0:
                break
            done += 1
            if done % ACCOUNTS_A_WORK == 0:
                chores.left -= 1
            if account.orders:
                groups = account.groups if isinstance(account, FundedAccount) else ()
                if groups not in looked:
                    looked[groups] = _symbols(pending, groups)
                symbols = looked[groups]
                if symbols is not None:
                    chores.left -= self._find(account, symbols, found)
        self._ended += self._end(found)
        return chore._replace(done=done) if done < len(self._floor.accounts) else None

    def _look_at(self, groups: tuple[str, ...], symbols: tuple[str, ...]) -> None:
        """Have `settle` look at the orders of these groups in these instruments; () is all."""
        self._pending.append((groups, symbols))

    def _find(self, account: UserAccount, symbols: Collection[str], found: dict[Code, list[Order]]) -> int:
        """
        Add a user's forbidden orders to those found, by reason; of some instruments, or () of all.

        Returns:
            How much work that was, in the units of `chores.WORK_MAX`.
        """
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
        return ORDER_WORK * len(account.orders) + GATE_WORK * len(by_symbol)

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

    def check_invariants(self) -> None:
        """Assert what must always hold between two commands; O(orders and rules). For tests."""
        floor, found = self._floor, dict[Code, list[Order]]()
        assert not self._pending
        assert not floor.company.crossed
        for account in floor.accounts.values():
            self._find(account, (), found)
        if not floor.chores.waiting:  # nothing trades while they are looked for
            assert all(floor.instruments[order.instrument].is_paused for orders in found.values() for order in orders)
        for clearance, used in floor.company.clearances.rows():
            owner = floor.accounts.get(clearance.user)
            held = owner.orders.values() if owner is not None else ()
            offered = sum(order.remaining for order in held if clearance_of(order) == clearance.clearance_id)
            assert 0 <= used <= used + offered <= clearance.lots

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


def _symbols(
    pending: Iterable[tuple[tuple[str, ...], tuple[str, ...]]], groups: Sequence[str]
) -> Collection[str] | None:
    """Return in which instruments a user of these groups is concerned: (), in all; None, in none."""
    concerned = [symbols for named, symbols in pending if not named or any(group in named for group in groups)]
    if not concerned:
        return None
    return () if () in concerned else dict.fromkeys([symbol for symbols in concerned for symbol in symbols])


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
