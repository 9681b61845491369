"""Without a settlement price that was set, the underlying's closing auction of the day decides, and nothing else."""

from __future__ import annotations

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Status
from openoutcry.wire.types import Code
from services.matching.life import Life
from shared.logs.commands import ListInstrument
from shared.logs.market_commands import SetTerms
from tests.unit.services.matching.flow import code
from tests.unit.services.matching.options.option_market import moved, statuses
from tests.unit.services.matching.sessions.exchange_day import DAY, NEXT_DAY, SECOND_US, STEPS, ExchangeDay


def day_with_option(expires_s: int, expiry: str = DAY) -> ExchangeDay:
    """Ann has a lot of an option to buy ACME at 100 ticks; it expires so many seconds after the day began."""
    day = ExchangeDay()
    terms = {
        "underlying": "ACME",
        "right": "call",
        "strike": 100,
        "expiry": expiry,
        "expires_at": day.begun + expires_s * SECOND_US,
    }
    assert code(day.does(ListInstrument, Instrument("OPT", "option", option=terms))) is Code.OK
    day.grant("ann", 1, "OPT")
    return day


def trade_in_the_closing_call(day: ExchangeDay, price: int) -> None:
    day.at(120)
    day.at(610)
    day.bids("bob", price, 5)
    day.asks("cat", price, 5)


def test_an_option_that_ends_with_the_day_waits_for_its_closing_auction() -> None:
    """What ends, ends before the auction of the same moment; the auction's price is the day's all the same."""
    day = day_with_option(700)
    trade_in_the_closing_call(day, 107)
    events = day.at(700)
    assert moved(events, "ann") == [("expiry", "USD", "0.070000"), ("expiry", "OPT", "-1")]
    assert statuses(events)[-1] == ("OPT", "delisted", "expired")


def test_one_that_ended_before_waits_too() -> None:
    day = day_with_option(300)
    assert statuses(day.at(300))[-1] == ("OPT", "closed", "pending_settlement")
    trade_in_the_closing_call(day, 107)
    assert moved(day.at(700), "ann")[0] == ("expiry", "USD", "0.070000")


def test_a_day_without_an_auction_settles_nothing() -> None:
    """A price of another day, or of a trade by the way, would be a guess."""
    day = day_with_option(700)
    day.at(700)
    assert day.engine.instruments["OPT"].life is Life.PENDING


def test_another_days_closing_auction_settles_nothing() -> None:
    day = day_with_option(690, expiry=NEXT_DAY)
    trade_in_the_closing_call(day, 107)
    day.at(700)
    assert day.engine.instruments["OPT"].life is Life.PENDING
    assert day.engine.lives.closings == {"ACME": (DAY, 107)}
    assert STEPS[-1] == (700, "close")


def test_what_has_ended_takes_no_more_part_in_the_day() -> None:
    """No call begins in it, and nobody is told of one."""
    day = day_with_option(100)
    market = day.engine.instruments["OPT"]
    terms = SetTerms("", 0, "", "OPT", 100, 0, calendar="berlin")
    assert code(day.does(SetTerms, *terms[2:])) is Code.OK
    day.at(60)
    assert market.book.call is not None
    day.at(100)
    told = day.at(120) + day.at(610) + day.at(700)
    assert [each for each in told if isinstance(each, Status) and each.instrument == "OPT"] == []
    assert market.life is Life.PENDING
