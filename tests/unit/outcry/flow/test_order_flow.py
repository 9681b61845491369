"""The crowd, with the real engine as the judge of what its commands do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from random import Random

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Trade
from outcry.flow.order_flow import LIVE_ORDERS, OrderFlow
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.engine import Engine
from shared.logs.commands import CancelAll, Command, ListInstrument, PlaceOrder
from shared.logs.events import Outcome, PrivateExecution

SOURCE = "bots-0123456789abcdef"


class Exchange:
    """An engine that tells the crowd of its ended orders, as the feed does."""

    def __init__(self, listing: Iterable[Instrument]) -> None:
        self.engine = Engine()
        self.trades = 0
        self.refused: list[Outcome] = []
        for number, instrument in enumerate(listing, start=1):
            self.engine.apply(ListInstrument("listing", number, instrument), 0)

    def apply(self, flow: OrderFlow, commands: Iterable[Command]) -> None:
        for command in commands:
            for event in self.engine.apply(command, 0):
                if isinstance(event, PrivateExecution) and event.execution.remaining == 0:
                    flow.ended(event.execution.instrument, event.execution.client_order_id)
                elif isinstance(event, Trade):
                    self.trades += 1
                elif isinstance(event, Outcome) and event.code:
                    self.refused.append(event)

    def best(self, symbol: str) -> tuple[float, float]:
        """Return best bid and ask in money."""
        market = self.engine.instruments[symbol]
        snapshot = market.book.snapshot(1, 0)
        tick = float(market.instrument.tick_size)
        return snapshot.bids[0][0] * tick, snapshot.asks[0][0] * tick

    @property
    def changes(self) -> int:
        return sum(market.book.seq for market in self.engine.instruments.values())


class Always(Random):
    """Draws one number for ever."""

    def __init__(self, drawn: float) -> None:
        super().__init__(0)
        self._drawn = drawn

    def random(self) -> float:
        return self._drawn


def test_the_same_seed_gives_the_same_commands() -> None:
    flows = [OrderFlow(DEFAULT_LISTING, SOURCE, seed=7) for _ in range(2)]
    assert flows[0].opening() == flows[1].opening()
    assert flows[0].commands(500) == flows[1].commands(500)


def test_another_seed_gives_others() -> None:
    assert OrderFlow(DEFAULT_LISTING, SOURCE, 1).commands(50) != OrderFlow(DEFAULT_LISTING, SOURCE, 2).commands(50)


def test_commands_are_numbered_without_holes() -> None:
    """The engine skips any number at or below the last: a repeated one would be lost in silence."""
    flow = OrderFlow(DEFAULT_LISTING, SOURCE, 1)
    commands = [*flow.withdrawals(), *flow.opening(), *flow.commands(200)]
    assert [command.number for command in commands] == list(range(1, len(commands) + 1))


def test_nearly_every_command_changes_a_book() -> None:
    """The requested rate is one of book changes: whoever asks for 200 shall get them from about 200 commands."""
    flow, exchange = OrderFlow(DEFAULT_LISTING, SOURCE, 3), Exchange(DEFAULT_LISTING)
    exchange.apply(flow, flow.opening())
    before = exchange.changes
    for _ in range(40):
        exchange.apply(flow, flow.commands(50))
    assert exchange.changes - before > 0.97 * 2_000


@pytest.fixture(scope="module")
def settled() -> Exchange:
    """The default market after a while."""
    flow, exchange = OrderFlow(DEFAULT_LISTING, SOURCE, 3), Exchange(DEFAULT_LISTING)
    exchange.apply(flow, flow.opening())
    exchange.apply(flow, flow.commands(5_000))
    return exchange


def test_instruments_cost_what_they_are(settled: Exchange) -> None:
    """Every market once stood at 100.00, calls of every strike too."""
    mid = {symbol: sum(settled.best(symbol)) / 2 for symbol in settled.engine.instruments}
    assert 95 < mid["ACME"] < 105
    assert mid["ACME-C90-2703"] > mid["ACME-C100-2709"] > mid["ACME-C100-2703"] > mid["ACME-C110-2703"] > 3
    assert mid["ACME-C90-2703"] > mid["ACME"] - 90
    assert mid["ACME"] > mid["ACME-RSU27"] > mid["ACME-RSU28"] > 85
    assert 1.5 < mid["GPU-HOUR"] < 3
    assert 500 < mid["DESK-HQ"] < 800
    assert 50 < mid["SHIP-Q1"] < 75


def test_no_spread_is_wider_than_a_market_would_bear(settled: Exchange) -> None:
    for symbol, market in settled.engine.instruments.items():
        bid, ask = settled.best(symbol)
        tick = float(market.instrument.tick_size)
        assert tick / 2 < ask - bid < 8 * tick, symbol
        assert ask - bid < 0.08 * bid, symbol


def test_quantities_fit_what_is_dealt_in() -> None:
    """Shares mostly in round lots, contracts in tens, desks one by one."""
    flow = OrderFlow(DEFAULT_LISTING, SOURCE, 3)
    lots: dict[str, list[int]] = {}
    for command in flow.opening():
        assert isinstance(command, PlaceOrder)
        lots.setdefault(command.instrument, []).append(command.quantity)
    assert sum(not quantity % 100 for quantity in lots["ACME"]) > len(lots["ACME"]) / 3
    assert max(lots["DESK-HQ"]) < 5 < max(lots["ACME-C100-2703"]) <= 50 < max(lots["ACME"])


def test_options_move_with_their_share() -> None:
    """And the share with what is heard of in an option's market: all its books wander it."""
    calls = DEFAULT_LISTING[:5]
    flow = OrderFlow(calls, SOURCE, 1)
    flow.opening()
    before = {book.symbol: book.mid for book in flow._books}
    for book in flow._books:
        for _ in range(200):
            book.wander(Always(0.1))
    moved = {book.symbol: book.mid - before[book.symbol] for book in flow._books}
    assert moved["ACME"] == 1_000
    assert 200 > moved["ACME-C90-2703"] > moved["ACME-C100-2703"] > moved["ACME-C110-2703"] > 80


def test_an_option_without_its_share_is_traded_too() -> None:
    """`--hot` trades the first instrument of an operator's listing, whatever it is."""
    flow, exchange = OrderFlow(DEFAULT_LISTING[1:2], SOURCE, 1), Exchange(DEFAULT_LISTING[1:2])
    exchange.apply(flow, (*flow.opening(), *flow.commands(500)))
    assert not [outcome for outcome in exchange.refused if outcome.code != "unknown_order"]


def test_another_listing_gets_the_commands_that_it_got() -> None:
    """Benchmarks trade instruments of their own: figures of different commits stay comparable."""
    flow = OrderFlow([Instrument(f"PROOF-{number}") for number in range(1, 66)], SOURCE, 3)
    commands = repr([*flow.opening(), *flow.commands(1_000)]).encode()
    assert hashlib.sha256(commands).hexdigest()[:16] == "95b46396d300a157"


def test_about_one_in_twenty_trades() -> None:
    flow, exchange = OrderFlow(DEFAULT_LISTING, SOURCE, 3), Exchange(DEFAULT_LISTING)
    exchange.apply(flow, flow.opening())
    exchange.apply(flow, flow.commands(2_000))
    assert 60 < exchange.trades < 400


def test_what_rests_is_bounded() -> None:
    """A demo that runs over night must not grow."""
    hot = DEFAULT_LISTING[:1]
    flow, exchange = OrderFlow(hot, SOURCE, 5), Exchange(hot)
    exchange.apply(flow, flow.opening())
    for _ in range(100):
        exchange.apply(flow, flow.commands(100))
    assert LIVE_ORDERS / 2 < flow.live_orders("ACME") <= LIVE_ORDERS + 1
    resting = sum(len(account.orders) for account in exchange.engine.accounts.values())
    assert abs(resting - flow.live_orders("ACME")) <= 1


def test_self_trade_prevention_never_swallows_a_trade() -> None:
    """Bid makers, ask makers and takers are different users: the engine refuses nothing and cancels nobody."""
    flow = OrderFlow(DEFAULT_LISTING, SOURCE, 1)
    makers: dict[str, set[str]] = {"bid": set(), "ask": set(), "ioc": set()}
    for command in (*flow.opening(), *flow.commands(2_000)):
        if isinstance(command, PlaceOrder):
            makers["ioc" if command.time_in_force == "ioc" else command.side].add(command.user)
    assert all(makers.values())
    assert not makers["bid"] & makers["ask"]
    assert not makers["ioc"] & (makers["bid"] | makers["ask"])


def test_stays_within_an_instruments_limits() -> None:
    """A book of prices up to 2 and quantities up to 1 is odd, and legal."""
    tiny = [Instrument("TINY", price_max=2, quantity_max=1)]
    flow, exchange = OrderFlow(tiny, SOURCE, 1), Exchange(tiny)
    exchange.apply(flow, (*flow.opening(), *flow.commands(500)))
    assert not [outcome for outcome in exchange.refused if outcome.code != "unknown_order"]


def test_a_new_crowd_withdraws_what_an_old_one_left() -> None:
    flow, exchange = OrderFlow(DEFAULT_LISTING, SOURCE, 1), Exchange(DEFAULT_LISTING)
    exchange.apply(flow, flow.opening())
    new = OrderFlow(DEFAULT_LISTING, "bots-fedcba9876543210", 2)
    withdrawals = new.withdrawals()
    assert all(isinstance(command, CancelAll) for command in withdrawals)
    exchange.apply(new, withdrawals)
    assert not any(account.orders for account in exchange.engine.accounts.values())


def test_recovers_from_an_outsider_who_took_everything() -> None:
    """The shadow follows the feed: a side that strangers emptied is filled again."""
    hot = DEFAULT_LISTING[:1]
    flow, exchange = OrderFlow(hot, SOURCE, 1), Exchange(hot)
    exchange.apply(flow, flow.opening())
    for number in range(1, LIVE_ORDERS + 1):
        flow.ended("ACME", f"{SOURCE[-8:]}-{number}")
    assert flow.live_orders("ACME") == 0
    flow.commands(LIVE_ORDERS)
    assert flow.live_orders("ACME") > LIVE_ORDERS / 4
