"""What leads from the market as it is to the market of a file: actions, and a line for people for each.

Owns the differences. What the file leaves out stays as it is: parts without a section, and instruments, which are never
removed. Applying a file twice gives no actions the second time; what waits for a second person already is not proposed
again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Terms
from outcry.administration.market_file import EVERYBODY, InstrumentSection, LimitRow, MarketFile
from outcry.administration.rule_section import held_rule, rule_steps
from services.gateway.office_actions import read_proposed
from shared.logs.commands import ACTIONS_MAX, shown_fields
from shared.logs.market_commands import GROUPS_OF_USER_MAX

PROPOSAL_BYTES_MAX: Final = 12 * 1024
"""Of a proposal's actions as JSON: with the rest of the request it is below what a request may have."""
_DEFINITION: Final = Instrument._fields[1:]
_TERMS: Final = [name for name in Terms._fields if name in InstrumentSection.model_fields]
"""Terms of an instrument that a file can set."""


class Step(NamedTuple):
    """One action, and what it changes in words."""

    words: str
    action: dict[str, Any]


class Settings:
    """
    What is set, as the exchange shows it.

    Args:
        rows: Of `Market.settings`.
        listing: Definitions of all instruments.
    """

    def __init__(self, rows: Iterable[Sequence[Any]], listing: Iterable[Instrument]) -> None:
        self.listing = {each.symbol: each for each in listing}
        self.accounting, self.four_eyes = False, True
        self.terms: dict[str, dict[str, Any]] = {}
        """By symbol, all that say something."""
        self.limits: dict[tuple[str, str, str | None], dict[str, int]] = {}
        self.groups: dict[str, list[str]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        """By name, all that say something."""
        self.waiting: dict[str, str] = {}
        """Actions that wait, in one form, to the proposal that holds each."""
        for kind, *fields in rows:
            match kind:
                case "market":
                    self.accounting, self.four_eyes = fields
                case "instrument":
                    symbol, _, _, reference, collar_bp, *further = fields
                    held = {"reference": reference, "collar_bp": collar_bp, **(further[0] if further else {})}
                    self.terms[symbol] = {name: value for name, value in held.items() if value}
                case "limits":
                    user, group, instrument, limits = fields
                    self.limits[user, group, instrument] = limits
                case "groups":
                    self.groups[fields[0]] = sorted(fields[1])
                case "rule":
                    rule_id, held = held_rule(fields)
                    self.rules[rule_id] = held
                case "proposal":
                    proposal_id, _, _, actions = fields
                    self.waiting |= {_form(name, given): proposal_id for name, given in actions}


def steps_to(wanted: MarketFile, settings: Settings) -> list[Step]:
    """
    Return what has to be done, in order.

    Raises:
        ConfigurationError: If the file asks for what can never be, such as another definition of an instrument.
    """
    return [
        *_accounting(wanted, settings),
        *_instruments(wanted, settings),
        *_limits(wanted, settings),
        *_groups(wanted, settings),
        *_rules(wanted, settings),
    ]


def not_waiting(steps: Iterable[Step], settings: Settings) -> tuple[list[Step], dict[str, None]]:
    """Return the steps that nobody has proposed yet, and the proposals that hold the others."""
    new: list[Step] = []
    held: dict[str, None] = {}
    for step in steps:
        [proposed] = read_proposed([step.action])
        proposal_id = settings.waiting.get(_form(proposed.name, shown_fields(proposed.command)))
        if proposal_id is None:
            new.append(step)
        else:
            held[proposal_id] = None
    return new, held


def in_proposals(actions: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """
    Cut actions into as few proposals as requests can hold.

    The beginning of accounts goes with the others if all are one proposal that needs two persons. Else it goes alone
    and first, since nothing else can be proposed before: one person is enough for it.
    """
    begins = bool(actions) and actions[0]["action"] == "begin_accounts"
    parts = _cut(actions)
    if begins and (len(parts) > 1 or not actions[0]["four_eyes"]):
        return [[actions[0]], *_cut(actions[1:])]
    return parts


def _cut(actions: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    parts: list[list[dict[str, Any]]] = []
    size = 0
    for action in actions:
        length = len(json.dumps(action, ensure_ascii=False).encode()) + 2
        if not parts or len(parts[-1]) >= ACTIONS_MAX or size + length > PROPOSAL_BYTES_MAX:
            parts.append([])
            size = 0
        parts[-1].append(action)
        size += length
    return parts


def content_name(prefix: str, actions: Sequence[dict[str, Any]]) -> str:
    """Return a proposal's id made of its content: the same again is the same proposal. 36 letters at most."""
    digest = hashlib.sha256(json.dumps(actions, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return f"{prefix}-{digest[: min(16, 35 - len(prefix))]}"


def _accounting(wanted: MarketFile, settings: Settings) -> list[Step]:
    market = wanted.market
    if market is None:
        return []
    keeps = market.accounting == "full"
    if not keeps and settings.accounting:
        raise ConfigurationError("market.accounting: this market keeps accounts, and cannot stop")
    if not keeps and not market.four_eyes:
        raise ConfigurationError('market.four_eyes: is decided where accounts begin; accounting = "full" begins them')
    if settings.accounting and market.four_eyes is not settings.four_eyes:
        raise ConfigurationError("market.four_eyes: was decided when the accounts began, and stays")
    if settings.accounting or not keeps:
        return []
    words = f"+ accounts, four_eyes = {str(market.four_eyes).lower()}"
    return [Step(words, {"action": "begin_accounts", "four_eyes": market.four_eyes})]


def _instruments(wanted: MarketFile, settings: Settings) -> Iterable[Step]:
    for symbol, section in wanted.instruments.items():
        listed = settings.listing.get(symbol)
        if listed is None:
            definition = section.model_dump(include=set(_DEFINITION), exclude_none=True)
            yield Step(f"+ instrument {symbol}", {"action": "list_instrument", "symbol": symbol, **definition})
        else:
            _check_definition(section, listed)
        held = settings.terms.get(symbol, {})
        given = {name: getattr(section, name) for name in _TERMS if name in section.model_fields_set}
        wanted_terms = {name: value for name, value in {**held, **given}.items() if value}
        if wanted_terms != held:
            words = f"~ terms {symbol}: {_changes(held, wanted_terms, absent=0)}"
            yield Step(words, {"action": "set_terms", "instrument": symbol, **wanted_terms})


def _check_definition(section: InstrumentSection, listed: Instrument) -> None:
    for field in _DEFINITION:
        if field not in section.model_fields_set:
            continue
        value = section.model_dump(exclude_none=True).get(field)
        held = getattr(listed, field)
        if value != (dict(held) if field in {"option", "session"} and held is not None else held):
            where = f"instruments.{listed.symbol}.{field}"
            rule = f"is listed with {held!r}, and a definition never changes; list another symbol"
            raise ConfigurationError(f"{where}: {rule}")


def _limits(wanted: MarketFile, settings: Settings) -> Iterable[Step]:
    if wanted.limits is None:
        return
    rows: dict[tuple[str, str, str | None], dict[str, int]] = {}
    for owner, section in wanted.limits.items():
        user, group = (owner.removeprefix("user:"), "") if owner.startswith("user:") else ("", owner)
        group = "" if group == EVERYBODY else group
        parts: list[tuple[str | None, LimitRow]] = [(None, section), *section.instruments.items()]
        for instrument, row in parts:
            given = row.model_dump(exclude={"instruments"}, exclude_none=True)
            if given:
                rows[user, group, instrument] = given
    for key in {**settings.limits, **rows}:
        held, now = settings.limits.get(key, {}), rows.get(key, {})
        if held != now:
            user, group, instrument = key
            owned = {"user": user, "group": group, "instrument": instrument}
            action = {"action": "set_limits", **{name: value for name, value in owned.items() if value}, **now}
            yield Step(f"{_sign(held, now)} {_limit_name(*key)}: {_changes(held, now)}", action)


def _groups(wanted: MarketFile, settings: Settings) -> Iterable[Step]:
    if wanted.groups is None:
        return
    groups: dict[str, list[str]] = {user: [] for user in settings.groups}
    for group, users in wanted.groups.items():
        for user in users:
            groups.setdefault(user, []).append(group)
    for user, names in groups.items():
        now, held = sorted(set(names)), settings.groups.get(user, [])
        if len(now) > GROUPS_OF_USER_MAX:
            rule = f"{user} is in {len(now)}, and may be in {GROUPS_OF_USER_MAX}"
            raise ConfigurationError(f"groups.{names[-1]}: {rule}")
        if now != held:
            words = f"{_sign(held, now)} groups of {user}: {', '.join(held) or 'none'} -> {', '.join(now) or 'none'}"
            yield Step(words, {"action": "set_groups", "user": user, "groups": now})


def _rules(wanted: MarketFile, settings: Settings) -> Iterable[Step]:
    if wanted.rules is not None:
        yield from (Step(words, action) for words, action in rule_steps(wanted.rules, settings.rules))


def _limit_name(user: str, group: str, instrument: str | None) -> str:
    owner = f"user:{user}" if user else group or EVERYBODY
    return f"limits.{owner}" + (f".instruments.{instrument}" if instrument else "")


def _sign(held: Any, now: Any) -> str:
    return "~" if held and now else "+" if now else "-"


def _changes(held: dict[str, Any], now: dict[str, Any], absent: int | None = None) -> str:
    names = [name for name in {**held, **now} if held.get(name) != now.get(name)]
    nothing = {name: absent if isinstance(held.get(name) or now.get(name), int) else None for name in names}
    shown = [(name, held.get(name, nothing[name]), now.get(name, nothing[name])) for name in names]
    return ", ".join(f"{name} {_value(before)} -> {_value(after)}" for name, before, after in shown)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{value:,}" if isinstance(value, int) else value or "none"


def _form(name: str, fields: dict[str, Any]) -> str:
    return json.dumps([name, fields], sort_keys=True)
