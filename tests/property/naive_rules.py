"""What a company's rules forbid, computed the slow way from commands, groups, times and fills: an oracle.

It knows what each rule says, and nothing of how the engine finds out: rules are looked for in a list at each fill. It
judges every fill, every order that rests, and every refusal.
"""

from __future__ import annotations

from openoutcry.wire.messages import Execution
from openoutcry.wire.types import Code, ExecutionEvent, Side
from shared.logs.commands import Command
from shared.logs.events import Event, Outcome, PrivateExecution
from shared.logs.market_commands import SetGroups
from shared.logs.rule_commands import RuleKind, SetClearance, SetKill, SetRule

DAY_US = 86_400_000_000
CLOSING = {RuleKind.BLACKOUT: Code.BLACKOUT, RuleKind.RESTRICTED: Code.RESTRICTED, RuleKind.WINDOW: Code.WINDOW}
OF_RULES = {
    Code.KILLED,
    Code.BLACKOUT,
    Code.RESTRICTED,
    Code.WINDOW,
    Code.CLEARANCE_REQUIRED,
    Code.CLEARANCE_INVALID,
    Code.HOLDING_PERIOD,
    Code.SHORT_SWING,
    Code.SELL_SHARE,
}


class NaiveRules:
    """All rules of a market, as lists."""

    def __init__(self) -> None:
        self.rules: dict[str, SetRule] = {}
        self.groups: dict[str, tuple[str, ...]] = {}
        self.kills: list[tuple[str, str]] = []
        self.clearances: dict[str, SetClearance] = {}
        self.cleared: dict[str, int] = {}
        """Lots that fills have used of each."""
        self.named: dict[int, str] = {}
        """Orders to the clearance that they name."""
        self.orders: dict[int, tuple[str, Execution]] = {}
        self.fills: list[tuple[str, str, Side, int, int]] = []
        """(user, symbol, side, lots, time) of those that a short swing or a holding period counts."""
        self.lots: dict[tuple[str, str], int] = {}
        self.kept: list[tuple[str, str, int, int]] = []
        """(user, symbol, until, lots) of what was bought under a holding period."""

    def under(self, user: str, symbol: str, time_us: int, *kinds: RuleKind) -> list[SetRule]:
        return [
            rule
            for rule in self.rules.values()
            if rule.kind in kinds
            and (not rule.groups or set(rule.groups) & set(self.groups.get(user, ())))
            and (not rule.instruments or symbol in rule.instruments)
            and (rule.kind is RuleKind.WINDOW or is_in_force(rule, time_us))
        ]

    def codes(self, user: str, symbol: str, side: Side, time_us: int, clearance: str = "") -> set[Code]:
        """Return why a user may not trade on a side of an instrument at a moment."""
        found: set[Code] = set()
        groups = self.groups.get(user, ())
        if any(
            (scope, name) in (("user", user), ("instrument", symbol), ("market", ""))
            or (scope == "group" and name in groups)
            for scope, name in self.kills
        ):
            found.add(Code.KILLED)
        windows = self.under(user, symbol, time_us, RuleKind.WINDOW)
        closed = self.under(user, symbol, time_us, RuleKind.BLACKOUT, RuleKind.RESTRICTED)
        if windows and not any(is_in_force(rule, time_us) for rule in windows):
            closed += windows
        found |= {Code.RESTRICTED if rule.discreet else CLOSING[rule.kind] for rule in closed}
        for rule in self.under(user, symbol, time_us, RuleKind.CLEARANCE):
            if not clearance:
                found.add(Code.RESTRICTED if rule.discreet else Code.CLEARANCE_REQUIRED)
        if clearance and not self.is_cleared(clearance, user, symbol, side, time_us):
            found.add(Code.CLEARANCE_INVALID)
        for rule in self.under(user, symbol, time_us, RuleKind.SHORT_SWING):
            for of_user, of_symbol, of_side, _, then in self.fills:
                free_from = then - then % DAY_US + rule.parameters.days * DAY_US
                if (of_user, of_symbol) == (user, symbol) and of_side is not side and time_us < free_from:
                    found.add(Code.RESTRICTED if rule.discreet else Code.SHORT_SWING)
        return found

    def is_cleared(self, name: str, user: str, symbol: str, side: Side, time_us: int) -> bool:
        given = self.clearances.get(name)
        return (
            given is not None
            and (given.user, given.instrument, given.side) == (user, symbol, side)
            and given.from_us <= time_us < given.until_us
        )

    def held(self, user: str, symbol: str, time_us: int) -> int:
        """Lots that a holding period keeps, as each was told when they were bought."""
        own = [(until, lots) for *key, until, lots in self.kept if key == [user, symbol]]
        return sum(lots for until, lots in own if until > time_us)

    def note(self, command: Command, events: list[Event]) -> None:
        """Take what a command did, and judge every fill of it."""
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        for event in events:
            if isinstance(event, PrivateExecution):
                self._note_execution(event.user, event.execution)
        if outcome.code is not Code.OK:
            return
        if isinstance(command, SetRule):
            self.rules.pop(command.rule_id, None)
            if command.kind is not RuleKind.NONE:
                self.rules[command.rule_id] = command
        elif isinstance(command, SetGroups):
            self.groups[command.user] = command.groups
        elif isinstance(command, SetKill):
            key = (command.scope, command.name)
            self.kills = [each for each in self.kills if each != key] + ([key] if command.on else [])
        elif isinstance(command, SetClearance):
            held = self.clearances.pop(command.clearance_id, None)
            if command.lots:
                self.clearances[command.clearance_id] = command
                if held is None or held[3:] != command[3:]:
                    self.cleared[command.clearance_id] = 0

    def _note_execution(self, user: str, told: Execution) -> None:
        if told.event is ExecutionEvent.REJECTED:
            return
        if told.event is ExecutionEvent.FILLED:
            clearance = self.named.get(told.order_id, "")
            codes = self.codes(user, told.instrument, told.side, told.time, clearance)
            assert not codes, (user, told, codes)
            self._note_fill(user, told, clearance)
        if told.remaining:
            self.orders[told.order_id] = (user, told)
        else:
            self.orders.pop(told.order_id, None)

    def _note_fill(self, user: str, told: Execution, clearance: str) -> None:
        if clearance:
            self.cleared[clearance] += told.fill_quantity
            assert self.cleared[clearance] <= self.clearances[clearance].lots
        if self.under(user, told.instrument, told.time, RuleKind.SHORT_SWING):
            self.fills.append((user, told.instrument, told.side, told.fill_quantity, told.time))
        key = (user, told.instrument)
        sign = 1 if told.side is Side.BID else -1
        self.lots[key] = self.lots.get(key, 0) + sign * told.fill_quantity
        periods = self.under(user, told.instrument, told.time, RuleKind.HOLDING_PERIOD)
        if sign > 0 and periods:
            days = max(rule.parameters.days for rule in periods)
            until = -(-(told.time + days * DAY_US) // DAY_US) * DAY_US
            self.kept.append((*key, until, told.fill_quantity))
        if sign < 0:
            assert self.lots[key] >= self.held(*key, told.time), (user, told)

    def check_resting(self, time_us: int) -> None:
        """No order rests that might fill what is forbidden."""
        for user, told in self.orders.values():
            clearance = self.named.get(told.order_id, "")
            codes = self.codes(user, told.instrument, told.side, time_us, clearance)
            assert not codes, (user, told, codes)


def is_in_force(rule: SetRule, time_us: int) -> bool:
    return rule.from_us <= time_us and (not rule.until_us or time_us < rule.until_us)
