"""Cancel-on-disconnect against a model that remembers everything and looks at everybody."""

from __future__ import annotations

from typing import Final, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import Code, ExecutionEvent, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import Engine, EngineConfig
from services.matching.engine import SIGN_AGE_TICKS
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command, ListInstrument, PlaceOrder, Present, SetCancelOnDisconnect, Tick
from shared.logs.events import PrivateExecution
from shared.logs.packet import encode_packet

GRACE_S: Final = 2
GRACE: Final = GRACE_S + SIGN_AGE_TICKS
"""Ticks that an order outlives the last sign of its user."""
USERS: Final = ("ann", "bob", "cat")
Step: TypeAlias = tuple[str, object]

STEPS = st.lists(
    st.one_of(
        st.just(("tick", None)),
        st.just(("tick", None)),
        st.tuples(st.just("present"), st.sets(st.sampled_from(USERS), min_size=1).map(sorted)),
        st.tuples(st.just("switch"), st.tuples(st.sampled_from(USERS), st.booleans())),
        st.tuples(st.just("order"), st.tuples(st.sampled_from(USERS), st.sampled_from(Side), st.integers(99, 101))),
    ),
    max_size=80,
)


class Model:
    """For each user: whether it is on, and the ticks since the last sign of life."""

    def __init__(self) -> None:
        self.is_on = dict.fromkeys(USERS, False)
        self.away = dict.fromkeys(USERS, 0)

    def step(self, kind: str, value: object, engine: Engine) -> set[str]:
        """Take a step; whose orders must be cancelled by it."""
        match kind, value:
            case "present", list(users):
                self.away.update((user, 0) for user in users)
            case "switch", (str(user), bool(on)):
                self.is_on[user] = on
                if on:
                    self.away[user] = 0
            case "tick", _:
                for user in USERS:
                    self.away[user] += 1
                return {user for user in USERS if self.is_absent(user) and resting(engine, user)}
        return set()

    def is_absent(self, user: str) -> bool:
        return self.is_on[user] and self.away[user] > GRACE


def resting(engine: Engine, user: str) -> int:
    account = engine.accounts.get(user)
    return len(account.orders) if account else 0


def command(number: int, kind: str, value: object) -> Command:
    match kind, value:
        case "present", list(users):
            return Present("gateway", number, tuple(users))
        case "switch", (str(user), bool(on)):
            return SetCancelOnDisconnect("gateway", number, user, on)
        case "order", (str(user), Side() as side, int(price)):
            terms = (side, OrderKind.LIMIT, price, 2, TimeInForce.GTC, False, SelfTradePrevention.CANCEL_NEWEST)
            return PlaceOrder("gateway", number, user, "ACME", f"c{number}", *terms)
    return Tick("gateway", number)


@given(steps=STEPS)
def test_who_is_away_has_no_orders_and_who_is_there_keeps_them(steps: list[Step]) -> None:
    """Nothing but an absence beyond the grace cancels, and such an absence always does, at its first tick."""
    engine, model = Engine(EngineConfig(cancel_grace_s=GRACE_S)), Model()
    engine.apply(ListInstrument("gateway", 1, Instrument("ACME")), 0)
    for number, (kind, value) in enumerate(steps, 2):
        due = model.step(kind, value, engine)
        events = engine.apply(command(number, kind, value), 0)
        cancelled = {
            event.user
            for event in events
            if isinstance(event, PrivateExecution) and event.execution.reason is Code.DISCONNECTED
        }
        assert cancelled == due
        if kind == "order":
            user = value[0]  # type: ignore[index]
            if resting(engine, user) and told_accepted(events, user):
                model.away[user] = 0  # an order that rests is a sign of life
        assert all(not resting(engine, user) for user in USERS if model.is_absent(user))
        engine.check_invariants()


def told_accepted(events: list[object], user: str) -> bool:
    """Whether the order rests now: accepted, and neither filled nor cancelled at once."""
    told = [event.execution for event in events if isinstance(event, PrivateExecution) and event.user == user]
    return told[0].event is ExecutionEvent.ACCEPTED and told[-1].remaining > 0


@given(steps=STEPS, cuts=st.sets(st.integers(0, 80)))
def test_the_same_log_makes_the_same_packets(steps: list[Step], cuts: set[int]) -> None:
    """A standby, or a replay, cancels at the same place as the leader did, byte for byte."""
    leader, standby = (PacketBuilder(Engine(EngineConfig(cancel_grace_s=GRACE_S))) for _ in range(2))
    log = [ListInstrument("gateway", 1, Instrument("ACME")), *(command(n, *step) for n, step in enumerate(steps, 2))]
    for at, each in enumerate(log):
        leader.apply(each, 0)
        standby.apply(each, 0)
        if at in cuts:
            packet, again = leader.take(), standby.take()
            assert packet is not None
            assert again is not None
            assert encode_packet(packet) == encode_packet(again)
