"""Stops, ends and minima: the engine says what a market that is kept the slow way says."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from openoutcry.wire.types import Code, ExecutionEvent, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import Engine
from shared.logs.commands import (
    CancelAll,
    CancelOrder,
    Command,
    ListInstrument,
    PlaceOrder,
    PlaceSpecial,
    ReplaceOrder,
    Tick,
)
from shared.logs.events import Event, Outcome, PrivateExecution
from tests.property.command_flow import INSTRUMENTS
from tests.property.examples import FEWER, Enough
from tests.property.naive_specials import NaiveMarket, Told
from tests.property.special_flow import special_orders
from tests.property.weights import of_any_length, weighted

USERS = st.sampled_from(["ann", "bob", "cat"])
ACME = st.just("ACME")
PRICES = st.integers(97, 103)
STEP_US = 700_000

_PLAIN = st.tuples(
    USERS,
    ACME,
    st.just(""),
    st.sampled_from(Side),
    st.just(OrderKind.LIMIT),
    PRICES,
    st.integers(1, 12),
    st.sampled_from([*[TimeInForce.GTC] * 5, TimeInForce.IOC, TimeInForce.FOK]),
    st.just(False),
    st.sampled_from(SelfTradePrevention),
).map(lambda fields: (PlaceOrder, fields))
_SPECIAL = special_orders(USERS, ACME, st.just(""), st.integers(0, 60).map(lambda step: step * STEP_US), PRICES)
_CANCEL = st.tuples(USERS, st.integers(1, 30), st.just("")).map(lambda fields: (CancelOrder, fields))
_REPLACE = st.tuples(USERS, st.integers(1, 30), st.just(""), st.none() | PRICES, st.none() | st.integers(1, 12)).map(
    lambda fields: (ReplaceOrder, fields)
)
_ROWS = weighted(
    (20, _PLAIN),
    (16, _SPECIAL),
    (3, _CANCEL),
    (4, _REPLACE),
    (1, st.tuples(USERS, st.none()).map(lambda fields: (CancelAll, fields))),
    (2, st.just((Tick, ()))),
)


@st.composite
def special_logs(draw: st.DrawFn) -> list[Command]:
    """Orders whose names are their numbers, so that none is a repetition."""
    log: list[Command] = [ListInstrument("leader", 1, INSTRUMENTS[0])]
    for number, (kind, fields) in enumerate(draw(of_any_length(_ROWS, 60)), 1):
        log.append(_made(kind, number, fields))
    return log


def _made(kind: Any, number: int, fields: tuple[Any, ...]) -> Command:
    if kind in (PlaceOrder, PlaceSpecial):
        fields = (*fields[:2], str(number), *fields[3:])
    command: Command = kind("gateway", number, *fields)
    return command


def heard(events: list[Event]) -> list[Told]:
    private = [(event.user, event.execution) for event in events if isinstance(event, PrivateExecution)]
    return [
        (user, each.event, each.order_id, each.remaining, each.fill_price, each.reason)
        for user, each in private
        if each.event is not ExecutionEvent.REJECTED
    ]


@FEWER
@given(log=special_logs())
def test_the_engine_says_what_the_slow_market_says(log: list[Command]) -> None:
    """Every execution, in order, of every command; and every stop that would trigger is refused, and no other."""
    engine, market = Engine(), NaiveMarket()
    for n, command in enumerate(log):
        time_us = n * STEP_US
        would_trigger = isinstance(command, PlaceSpecial) and market.would_trigger(command.side, command.trigger)
        events = engine.apply(command, time_us)
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        if outcome.code is Code.OK:
            told = market.apply(command, time_us)
        else:
            market.told = []
            market.pass_time(time_us)
            told = market.told
        assert heard(events) == told, command
        if isinstance(command, PlaceSpecial) and command.trigger and outcome.code in (Code.OK, Code.WOULD_TRIGGER):
            assert (outcome.code is Code.WOULD_TRIGGER) == would_trigger
        engine.check_invariants()


def test_the_flow_triggers_and_ends() -> None:
    """A market in which nothing waits proves nothing: each kind of event and of refusal must come by the dozen."""
    seen: Counter[str] = Counter()
    often = ["filled", "triggered", "expired", "would_trigger", "not_fillable", "bad_request", "several stops"]

    def missing() -> list[str]:
        return [word for word in often if seen[word] < 12]

    @seed(1)
    @settings(max_examples=150, database=None, phases=[Phase.generate], deadline=None)
    @given(log=special_logs())
    def run(log: list[Command]) -> None:
        if not missing():
            raise Enough
        engine = Engine()
        for n, command in enumerate(log):
            events = engine.apply(command, n * STEP_US)
            triggered = 0
            for event in events:
                if isinstance(event, Outcome):
                    seen[event.code or "ok"] += 1
                elif isinstance(event, PrivateExecution):
                    seen[event.execution.event] += 1
                    seen[event.execution.reason] += 1
                    triggered += event.execution.event is ExecutionEvent.TRIGGERED
            seen["several stops"] += triggered > 1

    with suppress(Enough):
        run()
    assert missing() == [], seen
