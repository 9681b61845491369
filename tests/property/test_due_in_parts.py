"""What is due is done in parts or whole: the market is the same in the end, whatever stops between two parts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Terms
from openoutcry.wire.types import BANK, ISSUER, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from services.matching import Engine
from services.matching.packet_builder import take_changes
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import CancelOrder, Command, ListInstrument, PassTime, PlaceOrder, PlaceSpecial
from shared.logs.events import Event
from shared.logs.market_commands import BeginAccounts, MakeTransfer, SetGroups, SetTerms
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule
from shared.logs.session_commands import STEPS, EndCall, ScheduledStep, SetSchedule
from tests.property.examples import FEWER
from tests.property.weights import of_any_length

SECOND_US = 1_000_000
START_US = 1_000 * SECOND_US
USERS = ("ann", "bob", "cat")
SYMBOLS = ("ACME", "OTHER", "THIRD")
_SOON = st.integers(1, 12)
"""Moments, in tenths of a second."""
_USERS, _SYMBOLS = st.sampled_from(USERS), st.sampled_from(SYMBOLS)
_ORDERS = st.tuples(_USERS, _SYMBOLS, st.sampled_from(Side), st.integers(97, 103), st.integers(1, 9))
_STEPS = st.lists(st.tuples(_SOON, st.sampled_from(STEPS)), min_size=1, max_size=8)
_KINDS = st.sampled_from([RuleKind.BLACKOUT, RuleKind.RESTRICTED, RuleKind.CLEARANCE, RuleKind.NONE])
ACTIONS = st.one_of(
    st.tuples(st.just("order"), _ORDERS),
    st.tuples(st.just("special"), _ORDERS, st.sampled_from(["day", "gtd", "stop"]), _SOON),
    st.tuples(st.just("special"), _ORDERS, st.just("gtd"), _SOON),
    st.tuples(st.just("wait"), _SOON),
    st.tuples(st.just("plan"), st.sampled_from(["a", "b"]), _STEPS),
    st.tuples(st.just("rule"), st.sampled_from(["r1", "r2", "r3"]), _KINDS, _SOON, _SOON),
    st.tuples(st.just("clear"), _USERS, st.integers(0, 9), _SOON),
    st.tuples(st.just("kill"), _USERS, st.booleans()),
    st.tuples(st.just("cancel"), _USERS, st.integers(1, 40)),
    st.tuples(st.just("end"), _SYMBOLS),
)


class Exchange:
    """
    A market that does so much with a command.

    Args:
        share: See `Chores.share`.
    """

    def __init__(self, share: int) -> None:
        self.share = share
        self.number = 0
        self.time = START_US
        self.engine = Engine()
        self.engine.chores.share = share
        self.parts = 0
        self._begin()

    def _begin(self) -> None:
        for symbol in SYMBOLS:
            self.does(ListInstrument, Instrument(symbol))
        self.does(BeginAccounts, "root")
        for user in USERS:
            given = (user, BANK, user, TransferKind.DEPOSIT, "USD", 10**12)
            self.does(MakeTransfer, "root", f"{user}-USD", given[3], given[4], BANK, user, given[5], 0, "", False)
            self.does(SetGroups, "root", user, ("staff",))
            for symbol in SYMBOLS:
                name = f"{user}-{symbol}"
                self.does(MakeTransfer, "root", name, TransferKind.GRANT, symbol, ISSUER, user, 10**4, 0, "", False)
        for symbol, calendar in zip(SYMBOLS, ("a", "a", "b"), strict=True):
            terms = Terms(symbol, 0, 100, 0)._replace(calendar=calendar, band_bp=200, volatility_s=1)._asdict()
            del terms["instrument"], terms["time"]
            self.does(SetTerms, "root", symbol, *terms.values())

    def does(self, kind: Any, *fields: Any) -> list[Event]:
        self.number += 1
        command: Command = kind("gateway", self.number, *fields)
        return self.engine.apply(command, self.time)

    def passes(self) -> None:
        self.does(PassTime, 0)
        self.parts += 1

    def state(self) -> bytes:
        take_changes(self.engine)
        return encode_checkpoint(Checkpoint(self.engine, 1, "store"))

    def recover(self) -> None:
        """Stop, and go on from a checkpoint."""
        self.engine = decode_checkpoint(self.state()).engine
        self.engine.chores.share = self.share

    def act(self, action: tuple[Any, ...]) -> None:
        match action:
            case ("order", (user, symbol, side, price, lots)):
                rules = (side, OrderKind.LIMIT, price, lots, TimeInForce.GTC, False, SelfTradePrevention.CANCEL_NEWEST)
                self.does(PlaceOrder, user, symbol, f"c{self.number}", *rules)
            case ("special", (user, symbol, side, price, lots), what, later):
                times = {"day": TimeInForce.DAY, "gtd": TimeInForce.GTD, "stop": TimeInForce.GTC}[what]
                rules = (side, OrderKind.LIMIT, price, lots, times, False, SelfTradePrevention.CANCEL_NEWEST)
                ends = self.time + later * SECOND_US // 10 if what == "gtd" else 0
                special = (price if what == "stop" else 0, 0, ends, "", 0, "")
                self.does(PlaceSpecial, user, symbol, f"c{self.number}", *rules, *special)
            case ("plan", calendar, rows):
                moments = sorted(later for later, _ in rows)
                steps = [step for _, step in rows]
                steps[-1] = "close"
                planned = [
                    ScheduledStep("1970-01-01", self.time + later * SECOND_US // 10, step)
                    for later, step in zip(moments, steps, strict=True)
                ]
                self.does(SetSchedule, "root", calendar, "2026.3", tuple(planned))
            case ("rule", name, kind, begins, lasts):
                begin = self.time + begins * SECOND_US // 10
                span = (begin, begin + lasts * SECOND_US // 10) if kind is not RuleKind.NONE else (0, 0)
                self.does(SetRule, "root", name, kind, ("staff",), ("ACME",), *span, RuleParameters(), False)
            case ("clear", user, lots, lasts):
                ends = self.time + lasts * SECOND_US // 10
                self.does(SetClearance, "root", f"k{self.number}", user, "ACME", Side.BID, lots, 0, ends)
            case ("kill", user, on):
                self.does(SetKill, "root", "user", user, on, "")
            case ("cancel", user, order_id):
                self.does(CancelOrder, user, order_id, "")
            case ("end", symbol):
                self.does(EndCall, "root", symbol, 0, True)
            case ("wait", later):
                self.time += later * SECOND_US // 10


def markets(actions: list[tuple[Any, ...]]) -> tuple[Exchange, Exchange, Exchange]:
    """Have the same happen whole, in parts, and in parts with a checkpoint between any two of them."""
    whole, parts, stopping = exchanges = Exchange(10**9), Exchange(1), Exchange(1)
    for action in actions:
        for exchange in exchanges:
            exchange.act(action)
        for _ in range(1_000):
            for exchange in exchanges:
                exchange.passes()
                exchange.engine.check_invariants()
            stopping.recover()
            if not parts.engine.is_late:
                break
        assert not whole.engine.is_late
        assert whole.state() == parts.state() == stopping.state()
    return exchanges


@FEWER
@given(actions=of_any_length(ACTIONS, 40))
def test_the_same_comes_of_parts_and_of_the_whole(actions: list[tuple[Any, ...]]) -> None:
    markets(actions)


def test_the_flow_has_many_parts() -> None:
    most = 0

    @FEWER
    @given(actions=of_any_length(ACTIONS, 40))
    def look(actions: list[tuple[Any, ...]]) -> None:
        nonlocal most
        parts = Exchange(1)
        for action in actions:
            parts.act(action)
            parts.passes()
            count = 1
            while parts.engine.is_late:
                parts.passes()
                count += 1
            most = max(most, count)

    look()
    assert most > 3
