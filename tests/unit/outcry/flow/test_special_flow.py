"""Those of the crowd who ask more, with the real engine as the judge of what they ask."""

from __future__ import annotations

from collections import Counter

from openoutcry.wire.instrument import Instrument
from outcry.flow.order_flow import OrderFlow
from outcry.flow.special_effect import NAMES, SpecialEffect, told_in_words
from outcry.flow.special_flow import OPEN_MAX, QUOTERS, SPECIAL_USERS
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.engine import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command, ListInstrument, Tick
from shared.logs.packet import decode_packet, encode_packet
from tests.unit.services.matching.flow import MINUTE_US

SOURCE = "bots-0123456789abcdef"
SECOND_US = 1_000_000


class Market:
    """An engine with accounts, and what the feed says of the special ones."""

    def __init__(self, listing: tuple[Instrument, ...], flow: OrderFlow) -> None:
        self.flow = flow
        self.engine, self.effect = Engine(), SpecialEffect()
        self.builder = PacketBuilder(self.engine)
        self.refused: Counter[tuple[bool, str]] = Counter()
        """By whether it was asked by one of those, and by code."""
        self.special: set[int] = set()
        self.time, self.ticks = MINUTE_US, 0
        for number, instrument in enumerate(listing, start=1):
            self.engine.apply(ListInstrument("listing", number, instrument), self.time)

    def applies(self, commands: list[Command]) -> None:
        for command in commands:
            self.builder.apply(command, self.time)
        self.goes_on(0)

    def goes_on(self, seconds: float) -> None:
        self.time += int(seconds * SECOND_US)
        self.ticks += 1
        self.builder.apply(Tick("clock", self.ticks, self.time), self.time)
        made = self.builder.take()
        assert made is not None
        packet = decode_packet(encode_packet(made))
        self.effect.add(packet)
        for outcome in packet.outcomes:
            self.refused[outcome.number in self.special, outcome.code] += bool(outcome.code)
        for _, execution in packet.executions:
            if not execution.remaining:
                self.flow.ended(execution.instrument, execution.client_order_id)


def test_each_kind_is_asked_and_carried_out() -> None:
    """Stops trigger, orders expire, quotes rest, and no more is left behind than there may be."""
    listing = tuple(DEFAULT_LISTING)
    flow = OrderFlow(listing, SOURCE, seed=1)
    market = Market(listing, flow)
    market.applies(flow.funding(market.time, call_s=1.0))
    market.goes_on(5.0)
    market.applies(flow.opening())
    asked = 0
    for _ in range(150):
        special = flow.special(10, market.time)
        market.special |= {command.number for command in special}
        market.applies([*special, *flow.commands(60)])
        asked += 10
        market.goes_on(0.1)
    told = market.effect.told()
    assert list(told) == list(NAMES), told
    assert sum(market.refused.values()) < 0.05 * asked, market.refused  # a stop too late, or a cancel of what is gone
    engine = market.engine
    engine.check_invariants()
    assert sum(len(engine.accounts[user].orders) for user in SPECIAL_USERS) <= OPEN_MAX
    assert sum(len(engine.accounts[user].orders) for user in QUOTERS) <= 2 * len(listing) * len(QUOTERS)
    assert told_in_words(told).startswith(f"{told['stops']:,} stops, ")


def test_it_is_the_same_again_and_changes_nothing_for_the_others() -> None:
    """They have their own chance."""
    listing = tuple(DEFAULT_LISTING)
    flows = [OrderFlow(listing, SOURCE, seed=7) for _ in range(3)]
    assert flows[0].special(300, MINUTE_US) == flows[1].special(300, MINUTE_US)
    alone = [command._replace(number=0) for command in flows[2].commands(5)]
    beside = [command._replace(number=0) for command in flows[0].commands(5)]
    assert [type(command) for command in alone] == [type(command) for command in beside]
    assert [getattr(command, "price", 0) for command in alone] == [getattr(command, "price", 0) for command in beside]


def test_nothing_is_asked_where_all_are_in_a_call() -> None:
    """A minimum waits for continuous trading."""
    flow = OrderFlow(DEFAULT_LISTING, SOURCE, seed=7)
    for instrument in DEFAULT_LISTING:
        flow.stated(instrument.symbol, is_call=True)
    assert flow.special(10, MINUTE_US) == []
