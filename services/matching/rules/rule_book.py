"""A company's rules: which are set, which are in force, and whom they concern.

Owns the table and its sentences. When a rule begins and ends is told to it: so what it says changes with commands and
timers alone, and what was compiled from it holds until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from openoutcry.wire.types import Code
from services.matching.money_text import time_text
from services.matching.traded_instrument import Refusal
from shared.logs.rule_commands import Rule, RuleKind, RuleParameters

RULES_MAX: Final = 256
"""Rules at once, those that have ended and those that have yet to begin included; another one is refused."""
CLOSING: Final = (RuleKind.BLACKOUT, RuleKind.WINDOW, RuleKind.RESTRICTED)
"""Kinds that forbid to trade at all."""
DISCREET: Final = "instrument: {symbol} cannot be traded by you at present; ask compliance"
_ORDER: Final = {
    kind: place for place, kind in enumerate((*CLOSING, *(each for each in RuleKind if each not in CLOSING)))
}
_CODES: Final = {
    RuleKind.BLACKOUT: Code.BLACKOUT,
    RuleKind.WINDOW: Code.WINDOW,
    RuleKind.RESTRICTED: Code.RESTRICTED,
    RuleKind.CLEARANCE: Code.CLEARANCE_REQUIRED,
    RuleKind.SHORT_SWING: Code.SHORT_SWING,
    RuleKind.SELL_SHARE: Code.SELL_SHARE,
}


class RuleBook:
    """
    All rules of a market.

    Args:
        rows: As `rows` gave them.
    """

    __slots__ = ("_in_force", "_rules")

    def __init__(self, rows: Iterable[tuple[Rule, bool]] = ()) -> None:
        self._rules: dict[str, Rule] = {}
        self._in_force: dict[str, None] = {}
        for rule, is_in_force in rows:
            self._rules[rule.rule_id] = rule
            if is_in_force:
                self._in_force[rule.rule_id] = None

    def rows(self) -> list[tuple[Rule, bool]]:
        """Return what the constructor takes, in order of first setting."""
        return [(rule, rule.rule_id in self._in_force) for rule in self._rules.values()]

    def __len__(self) -> int:
        return len(self._rules)

    def find(self, rule_id: str) -> Rule | None:
        """Return the rule of this id; O(1)."""
        return self._rules.get(rule_id)

    def is_in_force(self, rule_id: str) -> bool:
        """Tell whether a rule has begun and not ended; O(1)."""
        return rule_id in self._in_force

    def has_kind(self, *kinds: RuleKind) -> bool:
        """Tell whether a rule of one of these kinds is in force; O(rules)."""
        return any(self._rules[rule_id].kind in kinds for rule_id in self._in_force)

    def set(self, rule: Rule, time_us: int) -> None:
        """Set a rule, in force or not; O(1)."""
        self._rules[rule.rule_id] = rule
        self.turn(rule.rule_id, time_us)

    def remove(self, rule_id: str) -> None:
        """Forget a rule; O(1)."""
        self._rules.pop(rule_id, None)
        self._in_force.pop(rule_id, None)

    def turn(self, rule_id: str, time_us: int) -> bool:
        """Let a rule begin or end, as the time says; returns whether it did. O(1)."""
        rule, was = self._rules[rule_id], rule_id in self._in_force
        if rule.from_us <= time_us and not has_ended(rule, time_us):
            self._in_force[rule_id] = None
        else:
            self._in_force.pop(rule_id, None)
        return was is not (rule_id in self._in_force)

    def concerning(self, groups: Sequence[str], symbol: str) -> tuple[Rule, ...]:
        """
        Return the rules that a user of these groups is under now in an instrument, in the order of checks.

        Of windows all, as long as none of them is open. O(rules).
        """
        found = [rule for rule in self._rules.values() if concerns(rule, groups, symbol)]
        windows = [rule for rule in found if rule.kind is RuleKind.WINDOW]
        is_open = any(rule.rule_id in self._in_force for rule in windows)
        under = [rule for rule in found if rule.kind is not RuleKind.WINDOW and rule.rule_id in self._in_force]
        if not is_open:
            under += windows
        return tuple(sorted(under, key=lambda rule: (_ORDER[rule.kind], rule.discreet)))


def concerns(rule: Rule, groups: Sequence[str], symbol: str) -> bool:
    """Tell whether a rule is about a user of these groups in an instrument, in force or not; O(its names)."""
    return (not rule.instruments or symbol in rule.instruments) and concerns_user(rule, groups)


def concerns_user(rule: Rule, groups: Sequence[str]) -> bool:
    """Tell whether a rule is about a user of these groups."""
    return not rule.groups or any(group in rule.groups for group in groups)


def has_ended(rule: Rule, time_us: int) -> bool:
    """Tell whether a rule is over."""
    return bool(rule.until_us) and rule.until_us <= time_us


def next_turn(rule: Rule, time_us: int) -> int:
    """Return when a rule begins or ends next, µs; 0: never."""
    return next((moment for moment in (rule.from_us, rule.until_us) if moment > time_us), 0)


def code_of(rule: Rule) -> Code:
    """Return what whoever a rule concerns is told as the reason."""
    return Code.RESTRICTED if rule.discreet else _CODES[rule.kind]


def discreet_refusal(rule: Rule, symbol: str) -> Refusal:
    """Return what whoever a discreet rule concerns is told, whatever it is."""
    return Refusal(Code.RESTRICTED, DISCREET.format(symbol=symbol), rule.rule_id)


def closed_refusal(rules: Sequence[Rule], rule: Rule, groups: Sequence[str], symbol: str, time_us: int) -> Refusal:
    """
    Return why an instrument is closed to a user by a rule of a kind in CLOSING.

    Args:
        rules: All that the user is under: another window may be the next.
        rule: The one that forbids.
        groups: The user's.
        symbol: Of the instrument.
        time_us: Of the command.
    """
    if rule.discreet:
        return discreet_refusal(rule, symbol)
    group = next((name for name in groups if name in rule.groups), None)
    whom = f"the group {group}" if group is not None else "everybody"
    if rule.kind is RuleKind.WINDOW:
        plain = [each for each in rules if each.kind is RuleKind.WINDOW and not each.discreet]
        begins = [(each.from_us, each.rule_id) for each in plain if each.from_us > time_us]
        text = f"instrument: {symbol} is open to {whom} in windows only, "
        if not begins:
            return Refusal(Code.WINDOW, f"{text}and none is announced (rule {rule.rule_id})", rule.rule_id)
        moment, rule_id = min(begins)
        return Refusal(Code.WINDOW, f"{text}the next from {time_text(moment)} on (rule {rule_id})", rule.rule_id)
    until = f" until {time_text(rule.until_us)}" if rule.until_us else ""
    verb = "closed to" if rule.kind is RuleKind.BLACKOUT else "restricted for"
    text = f"instrument: {symbol} is {verb} {whom}{until} (rule {rule.rule_id})"
    return Refusal(code_of(rule), text, rule.rule_id)


def rule_of(row: Sequence[Any]) -> Rule:
    """Return a rule of its fields as msgpack gives them."""
    rule_id, kind, groups, instruments, from_us, until_us, parameters, discreet = row
    made = RuleParameters(*parameters)
    return Rule(rule_id, RuleKind(kind), tuple(groups), tuple(instruments), from_us, until_us, made, discreet)
