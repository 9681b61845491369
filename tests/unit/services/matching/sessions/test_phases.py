"""The market's day: what its calendar, its calls and its halts do, and when."""

from __future__ import annotations

import pytest

from openoutcry.wire.types import Code, MarketState, OrderKind, Phase, SelfTradePrevention, Side, TimeInForce
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import CancelAll, PlaceSpecial, SetMarketState, Tick
from shared.logs.session_commands import EndCall, SetSchedule
from tests.unit.services.matching.flow import code, outcome
from tests.unit.services.matching.sessions.exchange_day import (
    DAY,
    NEXT_DAY,
    SECOND_US,
    STEPS,
    ExchangeDay,
    happened,
    statuses,
    trades,
)

ASK_OF_ONE = (Side.ASK, 100, 1)


def test_a_day_goes_through_its_phases() -> None:
    day = ExchangeDay()
    assert (day.acme.phase, day.acme.state) == (Phase.CLOSED, MarketState.CLOSED)
    assert statuses(day.at(60)) == [("auction", "opening")]
    assert day.acme.until == day.begun + 120 * SECOND_US
    assert statuses(day.at(120)) == [("open", "continuous")]
    assert statuses(day.at(600)) == [("auction", "closing")]
    assert statuses(day.at(660)) == [("closed", "closed")]
    assert statuses(day.at(700)) == []


def test_what_is_due_happens_before_the_next_command_whether_a_tick_came_or_not() -> None:
    day = ExchangeDay()
    day.time = day.begun + 1_000 * SECOND_US
    events = day.bids("ann", 100, 5)
    assert statuses(events) == [
        ("auction", "opening"), ("open", "continuous"), ("auction", "closing"), ("closed", "closed"),
    ]  # fmt: skip
    assert outcome(events).text == "instrument: ACME is closed"


def test_a_closed_market_says_until_when() -> None:
    day = ExchangeDay()
    assert outcome(day.bids("ann", 100, 5)).text == "instrument: ACME is closed until 1970-01-01T00:02:00Z"


def test_orders_of_a_call_trade_at_its_end_at_one_price() -> None:
    day = ExchangeDay()
    day.at(60)
    assert trades(day.bids("ann", 102, 50)) == trades(day.asks("bob", 99, 30)) == trades(day.asks("cat", 101, 30)) == []
    opened = day.at(120)
    assert trades(opened) == [(101, 30), (101, 20)]
    assert happened(opened, "ann") == [("filled", 20, ""), ("filled", 0, "")]
    assert happened(opened, "cat") == [("filled", 10, "")]
    assert day.acme.auction_price == 101


def test_what_was_reserved_beyond_the_price_is_free_again() -> None:
    """Her 50 at 102 fill at 101: 1.00 a lot less than was held back."""
    day = ExchangeDay()
    day.at(60)
    before = day.engine.accounts["ann"].purses["USD"].amount
    day.bids("ann", 102, 50)
    day.asks("bob", 101, 100)
    day.at(120)
    purse = day.engine.accounts["ann"].purses["USD"]
    assert (before - purse.amount, purse.reserved) == (50 * 101 * 10_000, 0)


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_orders_that_cannot_wait_are_refused_in_a_call(time_in_force: TimeInForce) -> None:
    day = ExchangeDay()
    day.at(60)
    said = outcome(day.bids("ann", 100, 5, time_in_force=time_in_force))
    assert said.code is Code.NOT_OPEN
    assert said.text == f"instrument: ACME is in an opening auction: {time_in_force} orders wait for continuous trading"


def test_orders_for_an_auction_are_refused_outside_of_one() -> None:
    day = ExchangeDay()
    day.at(120)
    assert code(day.bids("ann", 100, 5, time_in_force=TimeInForce.AUCTION)) is Code.NOT_OPEN


def test_what_is_only_for_the_auction_ends_with_it() -> None:
    day = ExchangeDay(collar_bp=1_000)
    day.at(60)
    day.bids("ann", 0, 50)
    day.bids("cat", 95, 5, time_in_force=TimeInForce.AUCTION)
    day.asks("bob", 100, 30)
    assert day.engine.accounts["ann"].purses["USD"].reserved == 50 * 110 * 10_000, "at the collar's highest price"
    opened = day.at(120)
    assert trades(opened) == [(100, 30)]
    assert happened(opened, "ann") == [("filled", 20, ""), ("cancelled", 0, "no_liquidity")]
    assert happened(opened, "cat") == [("cancelled", 0, "no_liquidity")]
    assert day.engine.accounts["ann"].purses["USD"].reserved == 0


def test_a_market_bid_in_a_call_needs_a_collar() -> None:
    day = ExchangeDay()
    day.at(60)
    assert outcome(day.bids("ann", 0, 5)).text == "price: a market bid needs a collar to reserve cash"


def test_the_end_of_a_call_is_drawn_by_the_leader_within_the_random_time() -> None:
    day = ExchangeDay(random_end_s=30)
    day.at(60)
    assert code(day.ends()) is Code.BAD_REQUEST, "its earliest end is not over"
    day.bids("ann", 101, 5)
    day.asks("bob", 101, 5)
    assert trades(day.at(120)) == []
    assert day.acme.state is MarketState.AUCTION
    assert trades(day.ends()) == [(101, 5)]
    assert day.acme.phase is Phase.CONTINUOUS


def test_a_call_ends_by_itself_when_nobody_draws_its_end() -> None:
    day = ExchangeDay(random_end_s=30)
    day.at(60)
    day.bids("ann", 101, 5)
    day.asks("bob", 101, 5)
    assert statuses(day.at(149.999)) == []
    assert trades(day.at(150)) == [(101, 5)]


def test_the_end_of_another_call_ends_none() -> None:
    day = ExchangeDay(random_end_s=30)
    day.at(125)
    assert code(day.does(EndCall, "", "ACME", 2, False)) is Code.BAD_REQUEST
    assert day.acme.phase is Phase.OPENING


def test_a_halt_outlasts_steps_and_ends_with_a_call() -> None:
    day = ExchangeDay(reopening_s=120)
    day.at(130)
    assert statuses(day.does(SetMarketState, "ACME", MarketState.HALTED, "news")) == [("halted", "continuous")]
    assert code(day.bids("ann", 100, 5)) is Code.NOT_OPEN
    assert statuses(day.does(SetMarketState, "ACME", MarketState.OPEN, "")) == [("auction", "reopening")]
    day.bids("ann", 100, 5)
    day.asks("bob", 100, 5)
    assert day.acme.until == day.time + 120 * SECOND_US
    reopened = day.at(250)
    assert (trades(reopened), statuses(reopened)) == ([(100, 5)], [("open", "continuous")])


def test_nothing_is_uncrossed_in_a_halt() -> None:
    day = ExchangeDay()
    day.at(60)
    day.bids("ann", 101, 5)
    day.asks("bob", 101, 5)
    day.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    halted = day.at(130)
    assert (trades(halted), day.acme.phase, day.acme.state) == ([], Phase.CONTINUOUS, MarketState.HALTED)
    resumed = day.does(SetMarketState, "ACME", MarketState.OPEN, "") + day.at(130.1)
    assert (trades(resumed), day.acme.phase) == ([(101, 5)], Phase.CONTINUOUS)


def test_a_halt_that_lasts_until_the_close_ends_closed() -> None:
    day = ExchangeDay(reopening_s=120)
    day.at(130)
    day.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    day.at(800)
    assert statuses(day.does(SetMarketState, "ACME", MarketState.OPEN, "")) == [("closed", "closed")]


def test_the_closing_call_begins_though_a_volatility_call_is_under_way() -> None:
    day = ExchangeDay(band_bp=100, volatility_s=120)
    day.at(590)
    day.asks("bob", 105, 5)
    assert statuses(day.bids("ann", 110, 5)) == [("auction", "volatility")]
    auction_id = day.acme.auction_id
    assert statuses(day.at(600)) == [("auction", "closing")]
    assert day.acme.auction_id == auction_id


def test_an_order_trades_up_to_the_band_and_what_is_left_waits_in_a_call() -> None:
    day = ExchangeDay(calendar="", band_bp=300, volatility_s=60)
    for price in (101, 103, 105):
        day.asks("bob", price, 10)
    placed = day.bids("ann", 110, 30)
    assert trades(placed) == [(101, 10), (103, 10)]
    assert statuses(placed) == [("auction", "volatility")]
    assert day.acme.book.seq == 4
    assert day.engine.accounts["ann"].orders
    # The price would be 105 to 110, and the last was 103: 3 % of it allow 106.
    ended = day.at(60)
    assert (trades(ended), statuses(ended)) == ([(105, 10)], [("open", "")])


def test_one_order_cannot_walk_the_band_along() -> None:
    """The band is around the last trade before it; within itself each of its trades would allow the next."""
    day = ExchangeDay(calendar="", band_bp=100, volatility_s=60)
    for price in (101, 102, 103, 104):
        day.asks("bob", price, 1)
    assert trades(day.bids("ann", 110, 4)) == [(101, 1)]


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_what_cannot_wait_ends_at_the_band(time_in_force: TimeInForce) -> None:
    day = ExchangeDay(calendar="", band_bp=100, volatility_s=60)
    day.asks("bob", 101, 1)
    day.asks("bob", 104, 1)
    placed = day.bids("ann", 110, 2, time_in_force=time_in_force)
    reason = "volatility" if time_in_force is TimeInForce.IOC else "not_fillable"
    assert happened(placed, "ann")[-1] == ("cancelled", 0, reason)
    assert day.acme.state is MarketState.OPEN


def test_a_call_whose_price_is_too_far_away_is_longer_once_and_then_waits_for_somebody() -> None:
    day = ExchangeDay(calendar="", band_bp=100, volatility_s=60, extension_s=30)
    day.asks("bob", 120, 5)
    day.bids("ann", 130, 5)
    assert day.acme.phase is Phase.VOLATILITY
    assert trades(day.at(60)) == []
    assert day.acme.until == day.begun + 90 * SECOND_US
    assert trades(day.at(90)) == []
    assert (day.acme.phase, day.acme.until) == (Phase.VOLATILITY, 0)
    assert trades(day.at(900)) == []
    assert trades(day.ends(force=True)) == [(120, 5)]
    assert day.acme.state is MarketState.OPEN


def test_no_force_takes_a_price_beyond_the_collar() -> None:
    day = ExchangeDay(calendar="", collar_bp=1_000, band_bp=100, volatility_s=60)
    day.asks("bob", 105, 5)
    day.bids("ann", 110, 5)
    day.engine.instruments["ACME"].reference = 90  # as if the collar had become narrower
    day.at(60)
    assert trades(day.ends(force=True)) == []
    assert day.acme.phase is Phase.VOLATILITY


def test_a_call_that_ends_with_the_day_ends_without_an_auction_if_its_price_is_too_far_away() -> None:
    day = ExchangeDay(band_bp=100, volatility_s=3_000)
    day.at(590)
    day.asks("bob", 120, 5)
    day.bids("ann", 130, 5)
    closed = [*day.at(600), *day.at(660), *day.at(700)]
    assert trades(closed) == []
    assert (day.acme.phase, len(day.acme.book.orders)) == (Phase.CLOSED, 2)
    assert code(day.does(CancelAll, "ann", None)) is Code.OK
    day.engine.check_invariants()


def test_a_crossed_book_of_the_evening_is_uncrossed_in_the_morning() -> None:
    day = ExchangeDay(band_bp=100, volatility_s=3_000)
    day.at(590)
    day.asks("bob", 120, 5)
    day.bids("ann", 130, 5)
    day.at(700)
    planned = day.planned(STEPS, NEXT_DAY, 86_400)
    assert code(day.does(SetSchedule, "root", "berlin", "2026.3", planned)) is Code.OK
    assert statuses(day.at(86_460)) == [("auction", "opening")]
    assert trades(day.at(86_520)) == [], "still too far from the reference"
    assert trades(day.ends(force=True)) == [(120, 5)]


def test_the_batch_phase_trades_at_its_boundaries_alone() -> None:
    day = ExchangeDay(((60, "batch"), (600, "close")), batch_ms=100)
    day.at(60)
    assert (day.acme.state, day.acme.phase) == (MarketState.AUCTION, Phase.BATCH)
    day.time += 30_000
    assert trades(day.bids("ann", 101, 5)) == []
    day.time += 30_000
    assert trades(day.asks("bob", 101, 3)) == []
    assert trades(day.at(60.099)) == []
    assert trades(day.at(60.1)) == [(101, 3)]
    assert (day.acme.phase, day.acme.auction_id) == (Phase.BATCH, 2)
    assert statuses(day.at(600)) == [("closed", "closed")]


def test_a_call_that_is_more_than_one_command_may_uncross_goes_on_with_the_next() -> None:
    day = ExchangeDay()
    day.at(60)
    for _ in range(700):
        day.place("ann", *ASK_OF_ONE)
    for _ in range(7):
        day.bids("bob", 100, 100)
    first = day.at(120)
    assert (len(trades(first)), statuses(first)) == (500, [("halted", "opening")])
    second = day.at(121)
    assert (len(trades(second)), day.acme.phase, day.acme.state) == (200, Phase.CONTINUOUS, MarketState.OPEN)


def test_a_schedule_that_begins_in_the_past_leads_to_the_phase_of_now() -> None:
    day = ExchangeDay(calendar="")
    day.at(300)
    assert code(day.does(SetSchedule, "root", "late", "2026.3", day.planned(STEPS))) is Code.OK
    day.sets(calendar="late")
    assert day.acme.phase is Phase.CONTINUOUS
    assert statuses(day.at(600)) == [("auction", "closing")]


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ((), "steps: are 1 to 512, not 0"),
        (((900, "open_call"),), "steps.0: the last one must be 'close', not 'open_call'"),
        (((900, "lunch"), (950, "close")), "steps.0: is one of open_call"),
        (((900, "open_call"), (850, "close")), "steps.1: comes before steps.0"),
        (((-10, "close"),), "steps: all of them are in the past"),
    ],
)
def test_a_wrong_schedule_is_refused(steps: tuple[tuple[int, str], ...], fault: str) -> None:
    day = ExchangeDay()
    said = outcome(day.does(SetSchedule, "root", "berlin", "2026.3", day.planned(steps)))
    assert (said.code, said.text[: len(fault)]) == (Code.BAD_REQUEST, fault)


@pytest.mark.parametrize("second", [30, 70, 121, 300, 605, 690, 800])
def test_a_checkpoint_at_any_time_goes_on_identically(second: int) -> None:
    day = ExchangeDay(random_end_s=5, band_bp=300, volatility_s=20, collar_bp=1_000)
    day.at(second)
    day.bids("ann", 104, 5)
    day.asks("bob", 103, 7)
    data = encode_checkpoint(Checkpoint(day.engine, 9, "store"))
    again = decode_checkpoint(data).engine
    assert encode_checkpoint(Checkpoint(again, 9, "store")) == data
    for later in (75, 122, 126, 400, 604, 661, 701):
        if later > second:
            day.number += 1
            tick = Tick("gateway", day.number)
            time_us = day.begun + later * SECOND_US
            assert again.apply(tick, time_us) == day.engine.apply(tick, time_us)
    again.check_invariants()


def test_a_clock_of_the_log_that_jumps_ahead_ends_nothing() -> None:
    """The store's clock is an hour ahead: the closing call begins when the leader's clock says so, not before."""
    day = ExchangeDay()
    hour = 3_600 * SECOND_US

    def tick(second: float, ahead: int = hour) -> list[tuple[str, str]]:
        day.number += 1
        clock = day.begun + int(second * SECOND_US)
        return statuses(day.engine.apply(Tick("leader-1", day.number, clock), clock + ahead))

    tick(1, 0)
    tick(2)
    assert day.engine.time == day.begun + 7 * SECOND_US
    for second in range(7, 595, 5):
        tick(second)
    assert day.acme.phase is Phase.CONTINUOUS
    assert tick(594.9) == []
    assert tick(605) == [("auction", "closing")]


def test_a_leader_whose_clock_is_behind_only_delays() -> None:
    day = ExchangeDay()
    day.number += 1
    day.engine.apply(Tick("leader-1", day.number, day.begun + 10 * SECOND_US), day.begun + 11 * SECOND_US)
    day.number += 1
    late = day.engine.apply(Tick("leader-1", day.number, day.begun + 50 * SECOND_US), day.begun + 70 * SECOND_US)
    assert statuses(late) == []
    assert day.engine.time == day.begun + 55 * SECOND_US


def test_a_cancel_in_a_halt_begins_no_call() -> None:
    """The book is in a call still, in which the halt came."""
    day = ExchangeDay()
    day.at(60)
    day.bids("ann", 101, 5)
    day.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    day.at(130)
    assert statuses(day.does(CancelAll, "ann", None)) == []
    day.does(SetMarketState, "ACME", MarketState.OPEN, "")
    assert day.acme.phase is Phase.CONTINUOUS


def test_a_batch_whose_orders_were_cancelled_trades_nothing() -> None:
    day = ExchangeDay(((60, "batch"), (600, "close")), batch_ms=100)
    day.at(60)
    day.bids("ann", 101, 5)
    day.asks("bob", 101, 3)
    day.does(CancelAll, "ann", None)
    assert trades(day.at(60.1)) == []
    day.bids("ann", 101, 5)
    assert trades(day.at(60.2)) == [(101, 3)]


def test_no_force_takes_a_price_below_the_collar_either() -> None:
    day = ExchangeDay(calendar="", collar_bp=1_000, band_bp=100, volatility_s=60)
    day.bids("bob", 95, 5)
    day.asks("ann", 91, 5)
    day.engine.instruments["ACME"].reference = 110  # as if the collar had become narrower
    day.at(60)
    assert trades(day.ends(force=True)) == []
    assert day.acme.phase is Phase.VOLATILITY


def test_a_stop_that_an_order_elects_is_held_by_the_band_of_before_it_too() -> None:
    """Around 102, to which the order moved the price, 105 would be within; around 100 it is not."""
    day = ExchangeDay(calendar="", band_bp=300, volatility_s=60)
    day.asks("bob", 100, 1)
    day.bids("ann", 100, 1)
    day.asks("bob", 102, 1)
    day.asks("bob", 105, 1)
    fields = {"trigger": 102, "protection_bp": 0, "expires_at": 0, "expires_on": "", "minimum": 0, "clearance": ""}
    stop = PlaceSpecial(
        "stops", 1, "cat", "ACME", "stop", Side.BID, OrderKind.LIMIT, 105, 1, TimeInForce.GTC,
        False, SelfTradePrevention.CANCEL_NEWEST, **fields,
    )  # fmt: skip
    assert code(day.engine.apply(stop, day.time)) is Code.OK
    placed = day.bids("ann", 102, 1)
    assert trades(placed) == [(102, 1)]
    assert day.acme.phase is Phase.VOLATILITY, "the stop waits in a call"


def test_a_schedule_of_earlier_days_leaves_those_behind_it() -> None:
    """A year comes in parts, and another person may confirm the second one first."""
    day = ExchangeDay(calendar="")
    later = day.planned(STEPS, NEXT_DAY, 86_400)
    for part in (later, day.planned(STEPS)):
        assert code(day.does(SetSchedule, "root", "parts", "2026.3", part)) is Code.OK
    assert [step.trading_day for step in day.engine.phases.plans["parts"].steps] == [DAY] * 6 + [NEXT_DAY] * 6
