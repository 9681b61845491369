"""What the commands of rules, kills and clearances may hold, and which of them loosen something.

Owns the rules of their form, apart from the state. What loosens needs a second person; what only forbids more does not.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from openoutcry.wire.types import QUANTITY_MAX
from services.matching.accounts.administration import GROUP
from services.matching.accounts.proposals import PROPOSAL_ID
from services.matching.accounts.transfers import FREE_TEXT
from services.matching.price_range import BASIS
from services.matching.rules.clearances import Clearance
from services.matching.rules.kills import GROUP_SCOPE, INSTRUMENT_SCOPE, MARKET_SCOPE, SCOPES, USER_SCOPE
from services.matching.rules.last_trades import DAYS_MAX
from services.matching.rules.rule_book import CLOSING, has_ended
from shared.logs.market_commands import NOTE_MAX
from shared.logs.rule_commands import (
    RULE_GROUPS_MAX,
    RULE_INSTRUMENTS_MAX,
    Rule,
    RuleKind,
    RuleParameters,
    SetClearance,
    SetKill,
    SetRule,
)
from shared.token_claims import USER

MOMENT_MAX_US: Final = 2**53 - 1
"""Latest moment of a rule or clearance: the last time that every language's numbers hold exactly."""
_WITH_DAYS: Final = (RuleKind.HOLDING_PERIOD, RuleKind.SHORT_SWING)


def rule_of_command(command: SetRule) -> Rule:
    """Return what a command sets, its names in order."""
    return Rule(
        command.rule_id,
        command.kind,
        tuple(sorted(set(command.groups))),
        tuple(sorted(set(command.instruments))),
        command.from_us,
        command.until_us,
        command.parameters,
        command.discreet,
    )


def rule_fault(command: SetRule, instruments: Container[str]) -> str | None:  # noqa: PLR0911 - one a rule
    """Return what is wrong with a rule, or None; O(its names)."""
    if not GROUP.fullmatch(command.rule_id):
        return "rule_id: is 1 to 32 letters, digits and . _ -"
    if command.kind is RuleKind.NONE:
        return None
    if len(command.groups) > RULE_GROUPS_MAX:
        return f"groups: a rule names at most {RULE_GROUPS_MAX}, not {len(command.groups)}"
    if len(command.instruments) > RULE_INSTRUMENTS_MAX:
        return f"instruments: a rule names at most {RULE_INSTRUMENTS_MAX}, not {len(command.instruments)}"
    for group in command.groups:
        if not GROUP.fullmatch(group):
            return f"groups: each is 1 to 32 letters, digits and . _ -, not {group!r}"
    for symbol in command.instruments:
        if symbol not in instruments:
            return f"instruments: there is no {symbol}"
    return _times_fault(command.from_us, command.until_us) or _parameters_fault(command.kind, command.parameters)


def _times_fault(from_us: int, until_us: int) -> str | None:
    if not 0 <= from_us <= MOMENT_MAX_US:
        return f"from_us: is a time in µs, or 0 for at once, not {from_us}"
    if not 0 <= until_us <= MOMENT_MAX_US:
        return f"until_us: is a time in µs, or 0 for until it is changed, not {until_us}"
    if until_us and until_us <= from_us:
        return "until_us: is not after from_us"
    return None


def _parameters_fault(kind: RuleKind, parameters: RuleParameters) -> str | None:
    days, share_bp, exercise = parameters
    if kind in _WITH_DAYS:
        if not 1 <= days <= DAYS_MAX:
            return f"days: of a {kind} are 1 to {DAYS_MAX}, not {days}"
    elif days:
        return f"days: a {kind} has none"
    if kind is RuleKind.SELL_SHARE:
        if not 1 <= share_bp <= BASIS:
            return f"share_bp: is from 1 to {BASIS} basis points, not {share_bp}"
    elif share_bp:
        return f"share_bp: a {kind} has none"
    if exercise and kind not in CLOSING:
        return f"exercise: a {kind} forbids none"
    return None


def kill_fault(command: SetKill, instruments: Container[str]) -> str | None:  # noqa: PLR0911 - one a rule
    """Return what is wrong with a kill, or None; O(1)."""
    scope, name = command.scope, command.name
    if scope not in SCOPES:
        return f"scope: must be one of {', '.join(SCOPES)}, not {scope}"
    if scope == USER_SCOPE and not USER.fullmatch(name):
        return f"name: {name!r} cannot be a user's name"
    if scope == GROUP_SCOPE and not GROUP.fullmatch(name):
        return f"name: of a group is 1 to 32 letters, digits and . _ -, not {name!r}"
    if scope == INSTRUMENT_SCOPE and name not in instruments:
        return f"name: there is no instrument {name}"
    if scope == MARKET_SCOPE and name:
        return f"name: the market has none, not {name!r}"
    if not FREE_TEXT.fullmatch(command.reason):
        return f"reason: is at most {NOTE_MAX} characters, none of them a control character"
    return None


def clearance_of_command(command: SetClearance) -> Clearance:
    """Return what a command gives."""
    return Clearance(*command[3:])


def clearance_fault(command: SetClearance, instruments: Container[str], time_us: int) -> str | None:  # noqa: PLR0911 - one a rule
    """Return what is wrong with a clearance, or None; O(1). One that ends another has a name alone."""
    if not PROPOSAL_ID.fullmatch(command.clearance_id):
        return "clearance_id: is 1 to 36 letters, digits and . _ : -"
    if not command.lots:
        return None
    if not USER.fullmatch(command.user):
        return f"user: {command.user!r} cannot be a user's name"
    if command.instrument not in instruments:
        return f"instrument: there is no {command.instrument}"
    if not 1 <= command.lots <= QUANTITY_MAX:
        return f"lots: are from 1 to {QUANTITY_MAX}, or 0 to end a clearance, not {command.lots}"
    if not command.until_us:
        return "until_us: a clearance has an end"
    fault = _times_fault(command.from_us, command.until_us)
    if fault is None and command.until_us <= time_us:
        fault = "until_us: is over already"
    return fault


def loosens(old: Rule | None, command: SetRule, time_us: int) -> bool:
    """
    Tell whether a rule as it would be set allows anything that the rule as it is forbids.

    A window always does: it opens the market to those who are closed out by another one. So does what tells more of a
    discreet rule than is told now.
    """
    new = rule_of_command(command)
    if new.kind is RuleKind.WINDOW or (old is not None and old.kind is RuleKind.WINDOW):
        return True
    if old is None or has_ended(old, time_us):
        return False
    return not (
        new.kind is old.kind
        and _covers(new.groups, old.groups)
        and _covers(new.instruments, old.instruments)
        and new.from_us <= max(old.from_us, time_us)
        and (not new.until_us or (bool(old.until_us) and old.until_us <= new.until_us))
        and _as_strict(new.parameters, old.parameters)
        and (new.discreet or not old.discreet)
    )


def _covers(new: tuple[str, ...], old: tuple[str, ...]) -> bool:
    """Tell whether names are all of the others; none stand for all."""
    return not new or (bool(old) and set(new) >= set(old))


def _as_strict(new: RuleParameters, old: RuleParameters) -> bool:
    return new.days >= old.days and new.share_bp <= old.share_bp and (new.exercise or not old.exercise)
