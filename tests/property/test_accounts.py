"""A market with accounts: nothing allowed is refused, nothing forbidden is filled, nothing is lost."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from openoutcry.wire.types import Code, OrderKind
from services.matching import Engine
from services.matching.packet_builder import take_changes
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import Command, PlaceOrder, PlaceSpecial, ReplaceOrder, decode_commands, encode_commands
from shared.logs.events import Outcome, PrivateExecution
from tests.comparable_account import comparable
from tests.property.account_flow import account_logs
from tests.property.command_flow import INSTRUMENTS
from tests.property.examples import FEWER, Enough
from tests.property.naive_accounts import NaiveAccounts

LISTING = {instrument.symbol: instrument for instrument in INSTRUMENTS}
OF_ACCOUNTS = {
    Code.QUANTITY_OUT_OF_RANGE,
    Code.ORDER_VALUE,
    Code.COLLAR,
    Code.POSITION_LIMIT,
    Code.INSUFFICIENT_CASH,
    Code.INSUFFICIENT_HOLDINGS,
}
BEFORE_THEM = {Code.DUPLICATE_ORDER, Code.UNKNOWN_ORDER, Code.WOULD_TRIGGER, Code.BAD_REQUEST}
AMONG_THEM = {Code.TOO_MANY_OPEN_ORDERS, Code.RATE_LIMITED}
"""Of other tests' interest; they stand before what an order needs."""
AFTER_THEM = {Code.OK, Code.WOULD_TRADE}
STEP_US = 700_000


def state(engine: Engine) -> bytes:
    take_changes(engine)
    return encode_checkpoint(Checkpoint(engine, 1, "store"))


FILLS_MIN = 100


@FEWER
@given(log=account_logs())
def test_no_forbidden_fill_and_no_needless_refusal(log: list[Command]) -> None:
    """The oracle knows rules and events alone; engine and oracle agree on every order, and on every balance."""
    engine, oracle = Engine(), NaiveAccounts(LISTING)
    for n, command in enumerate(log):
        time_us = n * STEP_US
        expected = oracle.expected(command, time_us)
        events = engine.apply(command, time_us)
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        is_order = isinstance(command, PlaceOrder | PlaceSpecial | ReplaceOrder)
        if is_order and outcome.code not in BEFORE_THEM | AMONG_THEM:
            if expected is Code.OK:
                assert outcome.code in AFTER_THEM, (command, outcome)
            elif expected is not None:
                assert outcome.code is expected, (command, outcome)
            elif isinstance(command, PlaceOrder | PlaceSpecial):
                assert command.kind is OrderKind.MARKET
                assert outcome.code in AFTER_THEM | {Code.ORDER_VALUE, Code.POSITION_LIMIT, Code.INSUFFICIENT_CASH}
        oracle.note(command, events, time_us)
        engine.check_invariants()
    for user, account in engine.accounts.items():
        message = account.message()
        assert message.positions == {
            symbol: oracle.balances[user, symbol] for symbol in LISTING if symbol in message.positions
        }
        assert all(not oracle.balances[user, symbol] for symbol in LISTING if symbol not in message.positions)


def test_the_flow_trades() -> None:
    """An oracle that sees no fill proves nothing: each kind of refusal must come, and many fills."""
    seen: Counter[str] = Counter()
    often = {Code.INSUFFICIENT_CASH, Code.INSUFFICIENT_HOLDINGS, Code.COLLAR, Code.BAD_REQUEST}

    @seed(1)
    @settings(max_examples=100, database=None, phases=[Phase.generate], deadline=None)
    @given(log=account_logs())
    def run(log: list[Command]) -> None:
        if seen["filled"] >= FILLS_MIN and all(code in seen for code in often):
            raise Enough
        engine = Engine()
        for n, command in enumerate(log):
            for event in engine.apply(command, n * STEP_US):
                if isinstance(event, Outcome):
                    seen[event.code or "ok"] += 1
                elif isinstance(event, PrivateExecution):
                    seen[event.execution.event] += 1

    with suppress(Enough):
        run()
    assert seen["filled"] >= FILLS_MIN, seen
    assert [code for code in sorted(often) if code not in seen] == []


@FEWER
@given(log=account_logs(), at=st.integers(0, 70))
def test_a_checkpoint_continues_identically(log: list[Command], at: int) -> None:
    """With accounts, limits, groups, terms, the rates' buckets and the transfers remembered."""
    engine = Engine()
    for n, command in enumerate(log[:at]):
        engine.apply(command, n * STEP_US)
    data = state(engine)
    recovered = decode_checkpoint(data).engine
    recovered.check_invariants()
    assert state(recovered) == data
    for n, command in enumerate(log[at:], at):
        assert repr(recovered.apply(command, n * STEP_US)) == repr(engine.apply(command, n * STEP_US))
    assert state(recovered) == state(engine)


@FEWER
@given(log=account_logs())
def test_a_refused_command_changes_nothing(log: list[Command]) -> None:
    """Nothing is half done: only the refusal's own numbers move, and the count of messages."""
    engine = Engine()
    for n, command in enumerate(log):
        before = accounts_of(engine, n * STEP_US)
        events = engine.apply(command, n * STEP_US)
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        if outcome.code is not Code.OK:
            assert accounts_of(engine, n * STEP_US) == before
            assert engine.take_changed() == []
        engine.take_changed()


def accounts_of(engine: Engine, time_us: int) -> list[object]:
    messages = {user: comparable(account.message(), time_us) for user, account in engine.accounts.items()}
    return [(user, each._replace(user_seq=0)) for user, each in messages.items() if each.cash or each.holdings]


@FEWER
@given(log=account_logs())
def test_commands_survive_the_log(log: list[Command]) -> None:
    for command in log:
        [again] = decode_commands(encode_commands([command]))
        assert again == command
        assert [type(field) for field in again] == [type(field) for field in command]
