"""A quote is cancels and orders of what differs, if its pair may stand, and nothing else: against a naive model."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from openoutcry.wire.messages import Account
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import Code, ExecutionEvent, SelfTradePrevention, Side, TimeInForce
from services.matching import Engine
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import CancelOrder, ReplaceOrder
from shared.logs.events import PairsRefused, PrivateExecution, Trade
from shared.logs.mass_quote import MassQuote
from tests.property.examples import FEWER
from tests.property.weights import of_any_length, weighted
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import outcome

PRICES = st.integers(97, 103)
LOTS = st.integers(0, 4)
PAIR = st.tuples(st.sampled_from(["ACME", "OTHER"]), PRICES, LOTS, PRICES, LOTS)
QUOTE = st.lists(PAIR, min_size=1, max_size=2, unique_by=lambda pair: pair[0])
ORDER = st.tuples(
    st.sampled_from(["ann", "bob", "max"]), st.sampled_from(["ACME", "OTHER"]), st.sampled_from(Side), PRICES, LOTS
)
STEPS = of_any_length(weighted((3, QUOTE), (2, ORDER)), 20)
DOLLARS = 12
LOTS_HELD = 12
_CENT = 10_000


def market() -> Floor:
    floor = Floor()
    for user in ("ann", "bob", "max"):
        floor.deposit(user, DOLLARS)
        for symbol in ("ACME", "OTHER"):
            floor.grant(user, LOTS_HELD, symbol)
    return floor


class Naive:
    """The same market, in which whoever quotes cancels and places by hand."""

    def __init__(self) -> None:
        self.floor = market()
        self.quoted: dict[tuple[str, str], int] = {}

    def quote(self, pairs: list[Any]) -> set[int]:
        """Returns the numbers of those that cannot stand."""
        refused = set()
        for place, (symbol, bid, bid_lots, ask, ask_lots) in enumerate(pairs):
            sides = [("bid", bid, bid_lots), ("ask", ask, ask_lots)]
            if (bid_lots and ask_lots and bid >= ask) or not all(self.affords(symbol, *side) for side in sides):
                refused.add(place)
                continue
            differ = [side for side in sides if self.differs(symbol, *side)]
            for side, price, lots in differ:
                held = self.held(symbol, side)
                if held is not None and not (held.price == price and 0 < lots < held.remaining):
                    self.floor.does(CancelOrder, "max", held.order_id, "")
            for side, price, lots in differ:
                held = self.held(symbol, side)
                if held is not None:
                    self.floor.does(ReplaceOrder, "max", held.order_id, "", None, held.quantity - held.remaining + lots)
                elif lots:
                    oldest = SelfTradePrevention.CANCEL_OLDEST
                    rules = {"instrument": symbol, "self_trade_prevention": oldest}
                    self.quoted[symbol, side] = outcome(
                        self.floor.place("max", Side(side), price, lots, **rules)
                    ).order_id
        return refused

    def held(self, symbol: str, side: str) -> Any:
        return self.floor.engine.account("max").orders.get(self.quoted.get((symbol, side), 0))

    def differs(self, symbol: str, side: str, price: int, lots: int) -> bool:
        held = self.held(symbol, side)
        return (held.price, held.remaining) != (price, lots) if held is not None else lots > 0

    def affords(self, symbol: str, side: str, price: int, lots: int) -> bool:
        """Whether what is held less what all other orders need is enough, counted anew each time."""
        if not lots or not self.differs(symbol, side, price, lots):
            return True
        account, held = self.floor.account("max"), self.held(symbol, side)
        others = [order for order in account.orders.values() if order is not held]
        if side == "ask":
            offered = sum(order.remaining for order in others if (order.instrument, order.side) == (symbol, "ask"))
            return lots <= (account.holdings[symbol].lots if symbol in account.holdings else 0) - offered
        bid = sum(order.remaining * order.price for order in others if order.side == "bid")
        return lots * price <= account.purse("USD").amount // _CENT - bid


def shape(engine: Engine) -> list[object]:
    """All queues in order of priority, without the orders' numbers."""
    return [
        (market.symbol, side.side, price, [(order.user, order.remaining) for order in side.levels[price]])
        for market in engine.instruments.values()
        for side in (market.book.bids, market.book.asks)
        for price in side.prices()
    ]


def money(engine: Engine) -> dict[str, tuple[object, ...]]:
    def row(account: Account) -> tuple[object, ...]:
        return account.positions, account.cash, account.reserved, account.result

    return {user: row(account.message()) for user, account in engine.accounts.items()}


def play(floor: Floor, naive: Naive, step: Any, number: int) -> list[object]:
    """Do one step in both; returns the events of the real one."""
    if isinstance(step, list):
        pairs = tuple(QuotedPair._make(pair) for pair in step)
        events = floor.does(MassQuote, "max", f"q{number}", pairs)
        refused = {place for event in events if isinstance(event, PairsRefused) for place, _ in event.refused}
        assert refused == naive.quote(step), (step, events)
        assert (outcome(events).code is Code.OK) is (len(refused) < len(step))
        return list(events)
    user, symbol, side, price, lots = step
    rules = {"instrument": symbol, "client_order_id": f"o{number}", "time_in_force": TimeInForce.GTC}
    naive.floor.place(user, side, price, lots, **rules)
    return list(floor.place(user, side, price, lots, **rules))


@given(steps=STEPS)
def test_a_quote_is_cancels_and_orders_of_what_differs(steps: list[Any]) -> None:
    floor, naive = market(), Naive()
    for number, step in enumerate(steps):
        play(floor, naive, step, number)
        assert shape(floor.engine) == shape(naive.floor.engine), step
        assert money(floor.engine) == money(naive.floor.engine), step
        floor.engine.check_invariants()


@FEWER
@given(steps=STEPS, at=st.integers(0, 20))
def test_a_checkpoint_goes_on_with_quotes(steps: list[Any], at: int) -> None:
    floor, naive = market(), Naive()
    for number, step in enumerate(steps):
        if number == at:
            floor.engine.take_changed()
            floor.engine = decode_checkpoint(encode_checkpoint(Checkpoint(floor.engine, 1, "store"))).engine
        play(floor, naive, step, number)
    assert shape(floor.engine) == shape(naive.floor.engine)


def test_the_flow_trades_and_refuses() -> None:
    """A model that sees nothing proves nothing."""
    seen = {"refused": 0, "taken": 0, "filled": 0, "kept": 0}

    @seed(1)
    @settings(max_examples=90, database=None, phases=[Phase.generate], deadline=None)
    @given(steps=STEPS)
    def run(steps: list[Any]) -> None:
        floor, naive = market(), Naive()
        for number, step in enumerate(steps):
            events = play(floor, naive, step, number)
            if isinstance(step, list):
                happened = [event.execution.event for event in events if isinstance(event, PrivateExecution)]
                seen["refused"] += any(isinstance(event, PairsRefused) for event in events)
                seen["taken"] += ExecutionEvent.ACCEPTED in happened
                seen["kept"] += ExecutionEvent.REPLACED in happened
                seen["filled"] += any(isinstance(event, Trade) for event in events)

    run()
    assert min(seen.values()) >= 10, seen
