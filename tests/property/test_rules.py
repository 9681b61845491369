"""A company's rules: nothing forbidden is filled, rests or is let in, and nothing allowed is refused by them."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from openoutcry.wire.types import Code
from services.matching import Engine
from services.matching.packet_builder import take_changes
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import Command, PlaceOrder, PlaceSpecial, decode_commands, encode_commands
from shared.logs.events import Outcome, PrivateExecution
from shared.logs.market_commands import MakeTransfer
from shared.logs.rule_commands import RuleKind
from tests.property.examples import FEWER, Enough
from tests.property.naive_rules import OF_RULES, NaiveRules
from tests.property.rule_flow import START_US, STEP_US, rule_logs

FILLS_MIN = 100
COUNTED = {Code.HOLDING_PERIOD, Code.SELL_SHARE, Code.CLEARANCE_INVALID}
"""Refusals that follow from numbers too, which the oracle judges by their fills alone."""


@FEWER
@given(log=rule_logs())
def test_no_forbidden_fill_and_no_needless_refusal(log: list[Command]) -> None:
    engine, oracle = Engine(), NaiveRules()
    for n, command in enumerate(log):
        time_us = START_US + n * STEP_US
        events = engine.apply(command, time_us)
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        if isinstance(command, MakeTransfer) and command.asset == "ACME":
            oracle.lots[command.credit, "ACME"] = command.amount
        if isinstance(command, PlaceOrder | PlaceSpecial) and command.instrument in engine.instruments:
            judge(oracle, command, outcome, time_us)
        if isinstance(command, PlaceSpecial) and outcome.order_id:
            oracle.named[outcome.order_id] = command.clearance
        oracle.note(command, events)
        oracle.check_resting(time_us)
        engine.check_invariants()


def judge(oracle: NaiveRules, command: PlaceOrder | PlaceSpecial, outcome: Outcome, time_us: int) -> None:
    clearance = command.clearance if isinstance(command, PlaceSpecial) else ""
    codes = oracle.codes(command.user, command.instrument, command.side, time_us, clearance)
    if codes:
        assert outcome.code in codes | {Code.DUPLICATE_ORDER}, (command, outcome, codes)
        return
    shares = oracle.under(command.user, command.instrument, time_us, RuleKind.SELL_SHARE)
    counted = COUNTED | ({Code.RESTRICTED} if any(rule.discreet for rule in shares) else set())
    assert outcome.code not in OF_RULES - counted, (command, outcome)


@FEWER
@given(log=rule_logs(), at=st.integers(0, 70))
def test_a_checkpoint_continues_identically(log: list[Command], at: int) -> None:
    """With rules, kills, clearances, dates, shares and timers."""
    engine = Engine()
    for n, command in enumerate(log[:at]):
        engine.apply(command, START_US + n * STEP_US)
    data = state(engine)
    recovered = decode_checkpoint(data).engine
    recovered.check_invariants()
    assert state(recovered) == data
    for n, command in enumerate(log[at:], at):
        assert repr(recovered.apply(command, START_US + n * STEP_US)) == repr(
            engine.apply(command, START_US + n * STEP_US)
        )
    assert state(recovered) == state(engine)


@FEWER
@given(log=rule_logs())
def test_the_log_holds_them(log: list[Command]) -> None:
    for command in log:
        [again] = decode_commands(encode_commands([command]))
        assert again == command
        assert [type(field) for field in again] == [type(field) for field in command]


def test_the_flow_meets_every_rule() -> None:
    """An oracle that sees no fill proves nothing: each kind of refusal and of end must come, and many fills."""
    seen: Counter[str] = Counter()
    wanted = {str(code) for code in OF_RULES - {Code.HOLDING_PERIOD}}
    ending = (Code.BLACKOUT, Code.WINDOW, Code.RESTRICTED, Code.CLEARANCE_REQUIRED)
    wanted |= {f"cancelled {code}" for code in ending}

    def missing() -> set[str]:
        return {what for what in wanted if not seen[what]} | ({"filled"} if seen["filled"] < FILLS_MIN else set())

    @seed(1)
    @settings(max_examples=160, database=None, phases=[Phase.generate], deadline=None)
    @given(log=rule_logs())
    def run(log: list[Command]) -> None:
        if not missing():
            raise Enough
        engine = Engine()
        for n, command in enumerate(log):
            for event in engine.apply(command, START_US + n * STEP_US):
                if isinstance(event, Outcome):
                    seen[event.code or "ok"] += 1
                elif isinstance(event, PrivateExecution) and event.execution.event in ("filled", "cancelled"):
                    seen[f"{event.execution.event} {event.execution.reason}".strip()] += 1

    with suppress(Enough):
        run()
    assert not missing(), seen


def state(engine: Engine) -> bytes:
    take_changes(engine)
    return encode_checkpoint(Checkpoint(engine, 1, "store"))
