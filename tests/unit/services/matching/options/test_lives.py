"""Options end: their orders, what holders are paid, and their listing. Numbers of the stories."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import ISSUER, Code, Side, TransferKind
from services.matching.life import Life
from services.matching.options.lives import SETTLED_MAX
from shared.logs.commands import ListInstrument, SetMarketState, Tick
from shared.logs.events import Event
from tests.unit.services.matching.flow import Desk, code, executions, outcome
from tests.unit.services.matching.options.option_market import (
    DAY,
    EXPIRES_AT,
    OPTION,
    SECOND_US,
    SHARE,
    OptionMarket,
    moved,
    statuses,
)


def held(**terms: Any) -> OptionMarket:
    """Emma has 3 lots."""
    market = OptionMarket(**terms)
    market.grant("emma", 3, OPTION)
    return market


def test_at_131_a_lot_is_worth_110() -> None:
    market = held()
    market.settles(13_100)
    events = market.expires()
    assert moved(events, "emma") == [("expiry", "USD", "330.000000"), ("expiry", OPTION, "-3")]
    assert moved(events, ISSUER) == [("expiry", "USD", "-330.000000"), ("expiry", OPTION, "3")]
    assert statuses(events)[-1] == (OPTION, "delisted", "expired")
    assert market.cash("emma") == (33_000, 0)


@pytest.mark.parametrize(("price", "cents"), [(12_000, 0), (11_999, 0), (12_001, 10), (1, 0)])
def test_at_the_strike_exactly_it_lapses(price: int, cents: int) -> None:
    """One tick in the money is the threshold."""
    market = held()
    market.settles(price)
    market.expires()
    assert (market.cash("emma"), market.lots("emma")) == ((cents * 3, 0), 0)


@pytest.mark.parametrize(("threshold", "cents"), [(5, 0), (4, 120)])
def test_a_threshold_is_named_by_the_terms(threshold: int, cents: int) -> None:
    market = held(threshold_ticks=threshold)
    market.settles(12_004)
    market.expires()
    assert market.cash("emma") == (cents, 0)


def test_a_put_is_worth_what_the_share_has_lost() -> None:
    market = held(right="put")
    market.settles(11_000)
    market.expires()
    assert market.cash("emma") == (30_000, 0)


def test_what_lapses_is_paid_nothing() -> None:
    market = held(at_expiry="lapse")
    market.settles(13_100)
    assert moved(market.expires(), "emma") == [("expiry", OPTION, "-3")]


def test_orders_end_first_and_nothing_trades_at_the_moment_itself() -> None:
    """A bid of the same moment finds nothing: what ends, ends before the command that comes then."""
    market = held()
    market.deposit("ben", 1_000)
    market.ask("emma", 900, 2, instrument=OPTION)
    market.time = EXPIRES_AT
    events = market.place("ben", Side.BID, 900, 1, instrument=OPTION)
    assert outcome(events).code is Code.NOT_OPEN
    assert [(each.remaining, each.reason) for each in executions(events, "emma")] == [(0, Code.EXPIRED)]
    assert executions(events, "ben")[-1].event == "rejected"
    assert market.account("emma").orders == {}


def test_without_a_price_it_waits_and_nobody_guesses() -> None:
    market = held()
    assert statuses(market.expires())[-1] == (OPTION, "closed", "pending_settlement")
    assert (market.lots("emma"), market.engine.lives.pending) == (3, 1)
    market.settles(13_100, day="2027-03-18")
    market.settles(13_100, symbol="ACME")
    assert market.lots("emma") == 3
    market.stored()
    events = market.settles(13_100)
    assert statuses(events)[-1] == (OPTION, "delisted", "expired")
    assert (market.cash("emma"), market.engine.lives.pending) == (((33_000), 0), 0)


def test_exercise_by_itself_takes_strike_and_gives_shares() -> None:
    """Who cannot pay is paid what it is worth instead."""
    market = held(at_expiry="exercise")
    market.deposit("emma", 3_600)
    market.grant("poor", 1, OPTION)
    market.settles(13_100)
    events = market.expires()
    assert moved(events, "emma") == [
        ("exercise", "USD", "-3600.000000"),
        ("exercise", SHARE, "30"),
        ("exercise", OPTION, "-3"),
    ]
    assert moved(events, "poor") == [("expiry", "USD", "110.000000"), ("expiry", OPTION, "-1")]


def test_lots_that_have_not_vested_lapse() -> None:
    market = held()
    market.grant("emma", 4, OPTION, available_from=EXPIRES_AT + SECOND_US)
    market.settles(13_100)
    market.expires()
    assert (market.cash("emma"), market.lots("emma")) == ((33_000, 0), 0)


def test_who_is_short_pays_and_until_then_it_waits() -> None:
    market = OptionMarket()
    market.limit("sam", may_short=5)
    market.deposit("emma", 100)
    market.deposit("sam", 100)
    market.bid("emma", 1_000, 2, instrument=OPTION)
    market.ask("sam", 1_000, 2, instrument=OPTION)
    market.bid("sam", 100, 100, instrument=SHARE)  # reserves all but what he got
    market.settles(13_100)
    events = market.expires()
    assert statuses(events)[-1] == (OPTION, "closed", "pending_settlement")
    assert (market.lots("emma"), market.lots("sam")) == (0, -2)
    market.deposit("sam", 100)
    events = market.settles(13_100)
    assert [each.reason for each in executions(events, "sam")] == [Code.BY_EXCHANGE]
    assert moved(events, "sam") == [("expiry", "USD", "-220.000000"), ("expiry", OPTION, "2")]
    assert statuses(events)[-1] == (OPTION, "delisted", "expired")


def test_many_holders_are_settled_some_with_each_command() -> None:
    market = OptionMarket()
    users = [f"u{n}" for n in range(2 * SETTLED_MAX + 50)]
    for user in users:
        market.grant(user, 1, OPTION)
    market.settles(12_100)
    market.expires()
    settled = [sum(not market.engine.account(user).message().positions for user in users)]
    assert market.engine.instruments[OPTION].life is Life.SETTLING
    late = market.transfer(TransferKind.FORFEIT, OPTION, users[-1], ISSUER, 1)
    assert outcome(late).text == f"asset: {OPTION} has expired"
    settled.append(sum(not market.engine.account(user).message().positions for user in users))
    market.stored()
    last = market.does(Tick)
    assert settled == [SETTLED_MAX, 2 * SETTLED_MAX]
    assert statuses(last) == [(OPTION, "delisted", "expired")]
    assert all(market.cash(user) == (1_000, 0) for user in users[:: len(users) // 5])


def test_without_accounts_its_orders_end_and_it_is_delisted() -> None:
    desk = Desk()
    terms = {"underlying": "ACME", "right": "call", "strike": 5, "expiry": DAY, "expires_at": EXPIRES_AT}
    assert code(desk.does(ListInstrument, Instrument("OPT", "option", option=terms))) is Code.OK
    desk.place("ann", Side.BID, 5, 1, instrument="OPT")
    desk.time = EXPIRES_AT
    events: list[Event] = desk.does(Tick)
    assert [each.reason for each in executions(events, "ann")] == [Code.EXPIRED]
    assert statuses(events)[-1] == ("OPT", "delisted", "expired")
    desk.engine.check_invariants()


def test_what_has_expired_stays_so() -> None:
    market = held()
    market.settles(13_100)
    market.expires()
    refused = outcome(market.does(SetMarketState, OPTION, "open", ""))
    assert refused.text == f"instrument: {OPTION} has expired"
    assert outcome(market.exercise("emma", 1)).text == f"instrument: {OPTION} has expired"
    market.stored()
    assert market.engine.instruments[OPTION].life is Life.OVER
    assert market.engine.instruments[OPTION].state == "delisted"


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"underlying": "NONE"}, "option.underlying: NONE is not listed"),
        ({"expires_at": EXPIRES_AT - 3600 * SECOND_US}, "option.expires_at: 2027-03-19T15:35:00Z is past"),
        ({"style": "american"}, "option.style: must be one of any, expiry, not 'american'"),
        ({"multiplier": 0}, "option.multiplier: must be a whole number from 1 to 2147483647, not 0"),
        ({"expiry": "2027-02-30"}, "option.expiry: must be a day as 2027-03-19, not '2027-02-30'"),
        ({"strikee": 1}, "option.strikee: is no term of an option"),
        ({"currency": "EUR"}, "option.underlying: SHARE is traded in USD, and not in EUR"),
    ],
)
def test_terms_that_cannot_be_settled_are_not_listed(terms: dict[str, Any], text: str) -> None:
    refused = OptionMarket().lists("NEW", **terms)
    assert (refused.code, refused.text) == (Code.BAD_REQUEST, f"instrument 'NEW': {text}")


@pytest.mark.parametrize(
    ("day", "price", "text"),
    [
        ("2027-3-19", 1, "day: is a day as 2027-03-19, not '2027-3-19'"),
        (DAY, 0, "price: must be from 1 to 10000000 ticks, not 0"),
    ],
)
def test_a_settlement_price_has_a_day_and_a_price(day: str, price: int, text: str) -> None:
    assert outcome(OptionMarket().settles(price, day)).text == text
