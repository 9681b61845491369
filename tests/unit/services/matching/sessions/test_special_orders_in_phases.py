"""Stops and orders that end by themselves, through a day of calls and continuous trading."""

from __future__ import annotations

from openoutcry.wire.messages import Trade
from openoutcry.wire.types import Code, ExecutionEvent, MarketState, Phase, Side, TimeInForce
from services.matching.special_orders.waiting_orders import ELECTED_MAX
from shared.logs.commands import CancelOrder, SetMarketState, Tick
from shared.logs.events import Event, PrivateExecution
from shared.logs.session_commands import SetSchedule
from tests.unit.services.matching.flow import code, executions, outcome
from tests.unit.services.matching.sessions.exchange_day import NEXT_DAY, STEPS, ExchangeDay

BID, ASK = Side.BID, Side.ASK
DAY, GTD, IOC = TimeInForce.DAY, TimeInForce.GTD, TimeInForce.IOC
TRIGGERED = ExecutionEvent.TRIGGERED


def told(events: list[Event]) -> list[tuple[str, ExecutionEvent, int]]:
    private = [event for event in events if isinstance(event, PrivateExecution)]
    return [(each.user, each.execution.event, each.execution.fill_price) for each in private]


def test_a_stop_is_triggered_by_the_price_of_an_auction_and_by_no_indicative_one() -> None:
    """One whose trigger lies between two indicatives does nothing; trades come after all fills of the auction."""
    day = ExchangeDay()
    day.at(60)
    day.special("cat", BID, 120, 1, trigger=108)
    reached = outcome(day.special("cat", BID, 120, 1, trigger=103)).order_id
    day.bids("ann", 110, 10)
    high = outcome(day.asks("bob", 110, 10)).order_id  # indicative 110
    day.asks("bob", 104, 10)  # and 104
    day.does(CancelOrder, "bob", high, "")
    events = day.at(120)
    assert [event.price for event in events if isinstance(event, Trade)] == [104]
    assert told(events) == [
        ("ann", ExecutionEvent.FILLED, 104),
        ("bob", ExecutionEvent.FILLED, 104),
        ("cat", TRIGGERED, 0),
    ]
    assert executions(events, "cat")[0].order_id == reached
    assert list(day.acme.stops.parked) == [1]
    assert day.acme.phase is Phase.CONTINUOUS


def test_a_stop_may_be_entered_in_a_call_whatever_its_time_in_force() -> None:
    """It trades later; an order with a minimum waits for continuous trading."""
    day = ExchangeDay()
    day.at(60)
    assert code(day.special("ann", BID, 110, 5, trigger=105, time_in_force=IOC)) is Code.OK
    refused = outcome(day.special("ann", BID, 110, 5, minimum=2))
    assert refused.code is Code.NOT_OPEN
    assert refused.text == "instrument: ACME is in an opening auction: minimum orders wait for continuous trading"


def test_what_the_closing_auction_triggers_waits_for_the_next_day() -> None:
    """It joins the next call; a day order has ended with its day."""
    day = ExchangeDay()
    day.does(SetSchedule, "root", "berlin", "2026.3", day.planned(STEPS) + day.planned(STEPS, NEXT_DAY, 86_400))
    day.at(610)
    day.special("cat", BID, 120, 1, trigger=103)
    day.special("cat", BID, 120, 1, trigger=103, time_in_force=DAY)
    day.bids("ann", 104, 10)
    day.asks("bob", 104, 10)
    events = day.at(660)
    assert day.acme.phase is Phase.CLOSED
    assert [each.event for each in executions(events, "cat")] == [ExecutionEvent.EXPIRED]
    assert not told(day.at(700))
    assert told(day.at(86_400 + 60)) == [("cat", TRIGGERED, 0)]
    assert day.acme.state is MarketState.AUCTION
    assert len(day.acme.book.orders) == 1


def test_orders_of_the_day_end_at_its_close_and_no_sooner() -> None:
    day = ExchangeDay()
    day.at(120)
    day.special("ann", BID, 90, 5, time_in_force=DAY)
    day.special("ann", BID, 190, 5, time_in_force=DAY, trigger=180)
    stays = outcome(day.bids("ann", 90, 5)).order_id
    assert not told(day.at(659))
    assert told(day.at(660)) == [("ann", ExecutionEvent.EXPIRED, 0)] * 2
    assert day.acme.phase is Phase.CLOSED
    assert list(day.engine.account("ann").orders) == [stays]


def test_more_stops_than_one_command_places_begin_a_call_which_the_others_join() -> None:
    day = ExchangeDay(band_bp=1_000, band_ticks_min=1, volatility_s=30, extension_s=10, random_end_s=0, calendar="")
    day.bids("ann", 100, 1)
    day.asks("bob", 100, 1)
    for n in range(ELECTED_MAX + 5):
        day.special("cat", ASK, 90, 1, trigger=98, client_order_id=f"s{n}")
    day.bids("ann", 98, 1)
    events = day.asks("bob", 98, 1)
    assert [event for _, event, _ in told(events)].count(TRIGGERED) == ELECTED_MAX
    assert day.acme.phase is Phase.VOLATILITY
    later = day.does(Tick)
    assert [event for _, event, _ in told(later)].count(TRIGGERED) == 5
    assert len(day.acme.book.orders) == ELECTED_MAX + 5
    day.engine.check_invariants()


def test_a_stop_is_stopped_at_the_band_like_any_order() -> None:
    """What it would trade beyond begins a call, in which the rest of it waits."""
    day = ExchangeDay(band_bp=500, band_ticks_min=1, volatility_s=30, random_end_s=0, calendar="")
    day.bids("ann", 100, 1)
    day.asks("bob", 100, 1)
    day.special("cat", ASK, 80, 5, trigger=98)
    day.bids("ann", 98, 1)
    day.bids("ann", 90, 5)
    day.asks("bob", 98, 1)
    assert day.acme.phase is Phase.VOLATILITY
    [order] = day.engine.account("cat").orders.values()
    assert order.remaining == 5
    day.engine.check_invariants()


def test_a_halt_keeps_stops_and_orders_end_in_it() -> None:
    day = ExchangeDay()
    day.at(120)
    day.special("ann", BID, 90, 5, time_in_force=GTD, expires_at=day.time + 1_000_000)
    day.special("ann", BID, 120, 5, trigger=110)
    day.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    [ended] = executions(day.at(122), "ann")
    assert (ended.event, ended.time) == (ExecutionEvent.EXPIRED, day.begun + 121_000_000)
    assert len(day.acme.stops) == 1
