"""A market with accounts and a company's rules for tests: groups, moments of one day, and short ways to set rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from openoutcry.wire.types import Code, Side
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import Tick
from shared.logs.events import Event, RuleRefusal
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import code, executions, outcome

DAY_US = 86_400_000_000


def at(text: str) -> int:
    """The time of `2026-11-20T10:00:00.7`, UTC, in µs."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


class RuledFloor(Floor):
    """Users ann (finance), bob (staff), cat (finance, board) and dan (none), each with 1,000 lots and 100,000 USD."""

    def __init__(self, began: str = "2026-11-20T09:00:00", **config: int) -> None:
        super().__init__(**config)
        self.blamed: list[RuleRefusal] = []
        """Which rule the record names for what `refused` was last refused."""
        self.time = at(began)
        for user, groups in (("ann", ["finance"]), ("bob", ["staff"]), ("cat", ["finance", "board"]), ("dan", [])):
            self.deposit(user, 100_000)
            self.grant(user, 1_000)
            self.grant(user, 1_000, "OTHER")
            self.join(user, *groups)

    def rule(
        self,
        rule_id: str,
        kind: str,
        groups: tuple[str, ...] = (),
        instruments: tuple[str, ...] = (),
        begins: int = 0,
        ends: int = 0,
        *,
        discreet: bool = False,
        **parameters: Any,
    ) -> list[Event]:
        made = RuleParameters(**parameters)
        events = self.does(SetRule, "root", rule_id, RuleKind(kind), groups, instruments, begins, ends, made, discreet)
        assert code(events) is Code.OK, events[-1]
        return events

    def kill(self, scope: str, name: str = "", *, on: bool = True) -> list[Event]:
        events = self.does(SetKill, "root", scope, name, on, "rumour")
        assert code(events) is Code.OK, events[-1]
        return events

    def clear(self, name: str, user: str, side: Side, lots: int, begins: int = 0, ends: int = 0) -> list[Event]:
        return self.does(SetClearance, "root", name, user, "ACME", side, lots, begins, ends or self.time + DAY_US)

    def tick(self) -> list[Event]:
        return self.does(Tick)

    def refused(self, user: str, side: Side = Side.BID, price: int = 90, quantity: int = 1, **rules: Any) -> str:
        """Place an order that is refused; returns the code and the sentence."""
        events = self.place(user, side, price, quantity, **rules)
        assert code(events) is not Code.OK
        [told] = executions(events, user)
        assert (told.event, told.reason) == ("rejected", code(events))
        self.blamed = [each for each in events if isinstance(each, RuleRefusal)]
        assert all(each[:2] == (self.engine.position, user) for each in self.blamed)
        return f"{code(events)} {outcome(events).text}"

    def reopened(self) -> None:
        """Go on from a checkpoint, which must hold everything."""
        self.engine.take_changed()
        data = encode_checkpoint(Checkpoint(self.engine, 1, "store"))
        self.engine = decode_checkpoint(data).engine
        self.engine.check_invariants()
        assert encode_checkpoint(Checkpoint(self.engine, 1, "store")) == data


def ends(events: list[Event], user: str) -> list[tuple[int, str]]:
    """The orders of a user that these events ended, and why."""
    return [(told.order_id, str(told.reason)) for told in executions(events, user) if told.event == "cancelled"]
