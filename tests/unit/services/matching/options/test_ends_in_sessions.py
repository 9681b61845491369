"""Options that come to their end while they are in a call, or while one is being uncrossed."""

from __future__ import annotations

from openoutcry.wire.messages import Terms
from openoutcry.wire.types import Code, MarketState, Phase, Side
from services.matching.life import Life
from services.matching.packet_builder import auctions_of
from services.matching.sessions.phases import UNCROSSED_MAX
from shared.logs.commands import SetMarketState, Tick
from shared.logs.market_commands import SetTerms
from shared.logs.session_commands import EndCall
from tests.unit.services.matching.flow import code
from tests.unit.services.matching.options.option_market import EXPIRES_AT, OPTION, SHARE, OptionMarket


def in_a_call() -> OptionMarket:
    """An option in a call that is to end at its expiry, and later."""
    market = OptionMarket()
    market.deposit("ann", 1_000_000)
    market.grant("bob", 5_000, OPTION)
    given = Terms("", 0, 100, 0, reopening_s=7_200)._asdict()
    assert code(market.does(SetTerms, "root", OPTION, *list(given.values())[2:])) is Code.OK
    market.does(SetMarketState, OPTION, MarketState.HALTED, "")
    market.does(SetMarketState, OPTION, MarketState.OPEN, "")
    assert market.engine.instruments[OPTION].phase is Phase.REOPENING
    return market


def test_an_option_that_ends_in_a_call_is_in_none() -> None:
    market = in_a_call()
    market.place("ann", Side.BID, 100, 5, instrument=OPTION)
    assert [each.kind for each in auctions_of(market.engine.take_changed())] == [Phase.REOPENING]
    market.settles(13_000)
    market.expires()
    option = market.engine.instruments[OPTION]
    assert (option.life, option.phase, option.state) == (Life.OVER, Phase.NONE, MarketState.DELISTED)
    assert [each.kind for each in auctions_of(market.engine.take_changed())] == [Phase.NONE]
    market.does(SetMarketState, OPTION, MarketState.HALTED, "")
    market.does(SetMarketState, OPTION, MarketState.OPEN, "")
    market.expires(8_000_000_000)
    assert (option.phase, option.state) == (Phase.NONE, MarketState.DELISTED)


def test_an_option_that_ends_while_a_call_is_being_uncrossed_is_settled() -> None:
    market = in_a_call()
    market.engine.config = market.engine.config._replace(open_orders_max=5_000)
    for _ in range(2 * UNCROSSED_MAX):
        market.place("bob", Side.ASK, 100, 1, instrument=OPTION)
    for _ in range(20):
        market.place("ann", Side.BID, 100, 100, instrument=OPTION)
    market.settles(13_000)
    market.time = EXPIRES_AT - 1
    assert code(market.does(EndCall, "root", OPTION, 0, True)) is Code.OK
    assert list(market.engine.uncrossing) == [OPTION]
    market.time = EXPIRES_AT
    market.does(Tick)
    market.does(Tick)
    assert market.engine.instruments[OPTION].life is Life.OVER
    assert not market.engine.uncrossing
    assert market.lots("ann") == market.lots("bob") == 0
    assert SHARE in market.engine.instruments
    market.engine.check_invariants()
