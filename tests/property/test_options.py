"""Options in a market that trades: nothing comes from nowhere, and every holder gets what the terms say, no more."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.option_terms import OptionTerms
from openoutcry.wire.types import ISSUER, Code, ExecutionEvent, Side, TimeInForce, TransferKind
from services.matching.life import Life
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import ListInstrument, Tick
from shared.logs.events import Event, PrivateExecution, PrivateTransfer
from shared.logs.option_commands import Exercise, SetSettlementPrice
from tests.property.weights import of_any_length, weighted
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import code

USERS = ("ann", "bob", "cat")
SECOND_US = 1_000_000
LIFE_S = 40
"""Steps take a second each; then the option ends."""
DAY = "2026-11-30"
CENT = 10_000
TERMS = st.builds(
    OptionTerms,
    st.just("ACME"),
    st.sampled_from(["call", "put"]),
    st.integers(99, 102),
    st.just(DAY),
    st.just(0),
    st.integers(1, 3),
    st.sampled_from(["any", "any", "expiry"]),
    st.sampled_from(["cash", "exercise", "lapse"]),
    st.integers(1, 2),
)
_ORDER = st.tuples(
    st.just("order"),
    st.sampled_from(USERS),
    st.sampled_from(["ACME", "OPT", "OPT"]),
    st.sampled_from(Side),
    st.integers(98, 102),
    st.integers(1, 4),
)
_EXERCISE = st.tuples(st.just("exercise"), st.sampled_from(USERS), st.integers(1, 3), st.integers(1, 6))
_GRANT = st.tuples(st.just("grant"), st.sampled_from(USERS), st.sampled_from(["ACME", "OPT"]), st.integers(1, 4))
_VESTING = st.tuples(st.just("vesting"), st.sampled_from(USERS), st.integers(1, 2), st.integers(0, 2 * LIFE_S))
STEPS = of_any_length(weighted((4, _ORDER), (3, _EXERCISE), (1, _GRANT), (1, _VESTING)), 16)
PRICES = st.integers(96, 105)


class Oracle:
    """Balances as lists of what was told, and what each right is worth by its definition."""

    def __init__(self, terms: OptionTerms) -> None:
        self.terms = terms
        self.balances: Counter[tuple[str, str]] = Counter()

    def note(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, PrivateTransfer):
                amount = event.transfer.amount
                scale = int(amount.replace(".", "")) if "." in amount else int(amount)
                self.balances[event.user, event.transfer.asset] += scale
            elif isinstance(event, PrivateExecution) and event.execution.event is ExecutionEvent.FILLED:
                fill = event.execution
                lots = fill.fill_quantity if fill.side is Side.BID else -fill.fill_quantity
                self.balances[event.user, fill.instrument] += lots
                self.balances[event.user, "USD"] -= lots * fill.fill_price * CENT

    def check(self, floor: Floor) -> None:
        """Every balance is what was told, nobody owes anything, and each asset's sum is 0."""
        for user in USERS:
            account = floor.account(user)
            for symbol in ("ACME", "OPT"):
                held = account.holdings.get(symbol)
                assert (held.lots if held is not None else 0) == self.balances[user, symbol] >= 0
            assert account.purse("USD").amount == self.balances[user, "USD"] >= 0
        for asset in ("USD", "ACME", "OPT"):
            assert sum(amount for (_, each), amount in self.balances.items() if each == asset) == 0

    def worth(self, price: int) -> int:
        """Cents a lot."""
        ticks = price - self.terms.strike if self.terms.right == "call" else self.terms.strike - price
        return ticks * self.terms.multiplier if ticks >= self.terms.threshold_ticks else 0


def market(terms: OptionTerms, oracle: Oracle) -> Floor:
    floor = Floor()
    ends = floor.time + LIFE_S * SECOND_US
    option = {**terms._asdict(), "expires_at": ends}
    assert code(floor.does(ListInstrument, Instrument("OPT", "option", price_max=1_000, option=option))) is Code.OK
    for user in USERS:
        for kind, asset, amount in (
            (TransferKind.DEPOSIT, "USD", 2_000 * CENT),
            (TransferKind.GRANT, "ACME", 6),
            (TransferKind.GRANT, "OPT", 4),
        ):
            source = ISSUER if kind is TransferKind.GRANT else "~bank"
            oracle.note(floor.transfer(kind, asset, source, user, amount))
    return floor


def play(floor: Floor, step: tuple[Any, ...]) -> list[Event]:
    kind, user, *rest = step
    if kind == "order":
        symbol, side, price, lots = rest
        return floor.place(user, side, price, lots, instrument=symbol, time_in_force=TimeInForce.GTC)
    if kind == "exercise":
        lots, name = rest
        return floor.does(Exercise, user, f"e{name}", "OPT", lots)
    symbol, amount, until = ("OPT", rest[0], rest[1]) if kind == "vesting" else (rest[0], rest[1], 0)
    available = floor.time + until * SECOND_US if until else 0
    return floor.transfer(TransferKind.GRANT, symbol, ISSUER, user, amount, available_from=available)


@given(terms=TERMS, steps=STEPS, price=PRICES, is_early=st.booleans(), at=st.integers(0, 16))
def test_holders_get_what_the_terms_say(
    terms: OptionTerms, steps: list[Any], price: int, is_early: bool, at: int
) -> None:
    oracle = Oracle(terms)
    floor = market(terms, oracle)
    for number, step in enumerate(steps):
        floor.time += SECOND_US
        if number == at:
            floor.engine.take_changed()
            floor.engine = decode_checkpoint(encode_checkpoint(Checkpoint(floor.engine, 1, "store"))).engine
        oracle.note(play(floor, step))
        oracle.check(floor)
    if is_early:
        floor.does(SetSettlementPrice, "root", "ACME", DAY, price)
    ends = floor.engine.timers.due("option_expiry", "OPT")
    unvested = {
        user: sum(lots for until, _, lots in held.restricted if until > ends)
        for user in USERS
        if (held := floor.account(user).holdings.get("OPT")) is not None
    }
    before = oracle.balances.copy()
    floor.time = ends
    events = floor.does(Tick)
    if not is_early:
        oracle.note(events)
        oracle.check(floor)
        assert floor.engine.instruments["OPT"].life is Life.PENDING
        assert oracle.balances == before, "nothing moves without a price"
        events = floor.does(SetSettlementPrice, "root", "ACME", DAY, price)
    oracle.note(events)
    oracle.check(floor)
    assert floor.engine.instruments["OPT"].life is Life.OVER
    worth = oracle.worth(price) if terms.at_expiry != "lapse" else 0
    for user in USERS:
        lots = max(before[user, "OPT"] - unvested.get(user, 0), 0)
        money = oracle.balances[user, "USD"] - before[user, "USD"]
        shares = oracle.balances[user, "ACME"] - before[user, "ACME"]
        assert oracle.balances[user, "OPT"] == 0
        if shares:
            sign = 1 if terms.right == "call" else -1
            assert terms.at_expiry == "exercise"
            assert (shares, money) == (sign * lots * terms.multiplier, -shares * terms.strike * CENT)
        else:
            assert money == lots * worth * CENT
    floor.engine.check_invariants()


def test_the_flow_exercises_and_pays() -> None:
    """An oracle that sees nothing proves nothing."""
    seen: Counter[str] = Counter()

    @seed(1)
    @settings(max_examples=60, database=None, phases=[Phase.generate], deadline=None)
    @given(terms=TERMS, steps=STEPS)
    def run(terms: OptionTerms, steps: list[Any]) -> None:
        oracle = Oracle(terms)
        floor = market(terms, oracle)
        for step in steps:
            floor.time += SECOND_US
            for event in play(floor, step):
                if isinstance(event, PrivateTransfer) and event.transfer.kind is TransferKind.EXERCISE:
                    seen["exercised"] += 1
                elif isinstance(event, PrivateExecution):
                    seen[event.execution.event] += 1

    run()
    assert seen["exercised"] >= 100, seen
    assert seen["filled"] >= 10, seen
