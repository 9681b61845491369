"""`[rules.NAME]` of the market's file: one rule of the company, and what leads to it.

Owns the section's form and the differences. A rule that the file does not name is removed, as with limits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from services.gateway.office_actions import Group
from services.gateway.request_rules import Symbol
from shared.logs.rule_commands import RULE_GROUPS_MAX, RULE_INSTRUMENTS_MAX

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NOT_SET: Final = {"groups": [], "instruments": [], "from_us": 0, "until_us": 0, "discreet": False}
_NAMES: Final = {"from_us": "from", "until_us": "until"}


def _moment(value: object) -> int:
    """Return a TOML date (its beginning, UTC) or time with its zone in µs."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise ValueError("must be a date, or a time with its zone such as 2026-12-01T00:00:00Z")
    return int((value - _EPOCH) / dt.timedelta(microseconds=1))


Moment: TypeAlias = Annotated[int, BeforeValidator(_moment)]


class RuleSection(BaseModel):
    """One rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["blackout", "restricted", "window", "clearance", "holding_period", "short_swing", "sell_share"]
    groups: Annotated[list[Group], Field(max_length=RULE_GROUPS_MAX)] = Field(default_factory=list)
    instruments: Annotated[list[Symbol], Field(max_length=RULE_INSTRUMENTS_MAX)] = Field(default_factory=list)
    from_us: Annotated[Moment, Field(alias="from")] = 0
    until_us: Annotated[Moment, Field(alias="until")] = 0
    days: Annotated[StrictInt, Field(ge=1, le=366)] = 0
    share_bp: Annotated[StrictInt, Field(ge=1, le=10_000)] = 0
    exercise: StrictBool = False
    discreet: StrictBool = False

    @model_validator(mode="after")
    def _fits(self) -> RuleSection:
        for field, kinds in _OF_KINDS.items():
            if getattr(self, field) and self.kind not in kinds:
                raise _fault_of(field, f"is of {', '.join(kinds)}, and a {self.kind} has none")
            if not getattr(self, field) and self.kind in kinds and field != "exercise":
                raise _fault_of(field, f"is required for a {self.kind}")
        if self.until_us and self.until_us <= self.from_us:
            raise _fault_of("until", "must be after from")
        return self


def _fault_of(field: str, rule: str) -> ValidationError:
    """Return a fault at a field, so that its line can be told."""
    broken = PydanticCustomError("value_error", "{error}", {"error": rule})
    return ValidationError.from_exception_data("rule", [{"type": broken, "loc": (field,), "input": None}])


_OF_KINDS: Final = {
    "days": ("holding_period", "short_swing"),
    "share_bp": ("sell_share",),
    "exercise": ("blackout", "restricted", "window"),
}


def held_rule(fields: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """Return a rule's name and what is set of it, of the fields that the exchange shows of it."""
    rule_id, kind, groups, instruments, from_us, until_us, parameters, discreet, _ = fields
    held = {
        "kind": kind,
        "groups": sorted(groups),
        "instruments": sorted(instruments),
        "from_us": from_us,
        "until_us": until_us,
        "discreet": discreet,
        **parameters,
    }
    return rule_id, _said(held)


def rule_steps(
    wanted: Mapping[str, RuleSection], held: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return what changes, in words, and the action, of each rule that is another than is set; new ones first."""
    rules = {rule_id: _fields(section) for rule_id, section in wanted.items()}
    for rule_id in {**rules, **held}:
        was, now = held.get(rule_id), rules.get(rule_id)
        if was == now:
            continue
        action = {"action": "set_rule", "rule_id": rule_id, **(now or {})}
        if was is None:
            yield f"+ rule {rule_id}: {_words(now or {})}", action
        elif now is None:
            yield f"- rule {rule_id}", action
        else:
            changed = [name for name in {**was, **now} if was.get(name) != now.get(name)]
            words = [f"{_NAMES.get(name, name)} {_word(was, name)} -> {_word(now, name)}" for name in changed]
            yield f"~ rule {rule_id}: {', '.join(words)}", action


def _fields(section: RuleSection) -> dict[str, Any]:
    given = section.model_dump()
    given["groups"], given["instruments"] = sorted(set(section.groups)), sorted(set(section.instruments))
    return _said(given)


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value}


def _words(fields: Mapping[str, Any]) -> str:
    parts = [f"{_NAMES.get(name, name)} {_word(fields, name)}" for name in fields if name != "kind"]
    return ", ".join([str(fields["kind"]), *parts])


def _word(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, _NOT_SET.get(name))
    if name in _NAMES:
        return _time_word(name, value)
    if isinstance(value, list):
        return " ".join(value) or "all"
    return str(value).lower() if isinstance(value, bool) else str(value or "none")


def _time_word(name: str, value: int) -> str:
    if not value:
        return "at once" if name == "from_us" else "changed"
    moment = _EPOCH + dt.timedelta(microseconds=value)
    return moment.isoformat().replace("+00:00", "Z")
