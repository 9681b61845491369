"""The crowd, with the real engine as the judge of what its commands do."""

from __future__ import annotations

from collections.abc import Iterable

from openoutcry.flow.order_flow import LIVE_ORDERS, OrderFlow
from services.matching.engine import Engine
from shared.commands import CancelAll, Command, ListInstrument, PlaceOrder
from shared.events import Outcome, PrivateExecution
from shared.instrument import Instrument
from shared.market_listing import DEFAULT_LISTING
from shared.messages import Trade

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

    @property
    def changes(self) -> int:
        return sum(market.book.seq for market in self.engine.markets.values())


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
