"""What the crowd holds instruments to be worth."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.instrument import Instrument
from outcry.flow.fair_value import (
    ANY_QUANTITIES,
    MID_START,
    followed,
    following_price,
    opening_price,
    option_value,
    quantities,
)
from services.matching.default_listing import DEFAULT_LISTING

ACME = DEFAULT_LISTING[0]
TERMS = {"underlying": "ACME", "right": "call", "strike": 10_000, "expiry": "2027-03-19"}


def an_option(**terms: Any) -> Instrument:
    return Instrument("X", "option", tick_size="0.05", option={**TERMS, **terms})


def test_an_option_costs_what_the_textbook_says() -> None:
    """Half a year at the money, volatility 0.3, interest 0.03: the figures of any calculator."""
    assert option_value(100, 100, 0.5, is_call=True) == pytest.approx(9.149, abs=0.001)
    assert option_value(100, 110, 0.5, is_call=True) == pytest.approx(5.240, abs=0.001)
    assert option_value(100, 100, 0.5, is_call=False) == pytest.approx(7.661, abs=0.001)


def test_an_option_is_priced_in_its_own_ticks_from_the_shares() -> None:
    """The share is at 10,000 ticks of 0.01, the call is worth 9.13 in ticks of 0.05."""
    assert following_price(an_option(), ACME, 10_000) == 183
    assert following_price(an_option(), ACME, 11_000) > 183
    assert following_price(an_option(strike=12_000), ACME, 10_000) < 183
    assert following_price(an_option(expiry="2028-03-17"), ACME, 10_000) > 183


def test_a_far_or_expired_option_still_has_a_price_that_can_be_traded() -> None:
    assert following_price(an_option(strike=1_000_000), ACME, 10_000) == 1
    assert following_price(an_option(expiry="2020-01-01", strike=9_000), ACME, 10_000) == 200


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {**TERMS, "strike": 0},
        {**TERMS, "strike": None},
        {**TERMS, "expiry": "some day"},
        {**TERMS, "underlying": 7},
        {"underlying": "ACME"},
    ],
)
def test_an_option_whose_terms_say_nothing_stands_alone(terms: dict[str, Any]) -> None:
    """An operator's file may hold any map; the bots trade it all the same."""
    option = Instrument("X", "option", option=terms)
    assert followed(option) is None
    assert opening_price(option) == MID_START


def test_what_nobody_has_an_opinion_about_is_as_it_was() -> None:
    assert opening_price(Instrument("ANY")) == MID_START
    assert opening_price(Instrument("ANY", price_max=10)) == 5
    assert quantities(Instrument("ANY")) == ANY_QUANTITIES
    assert quantities(Instrument("ANY", quantity_max=3)) == (1, 2, 3)
    assert quantities(Instrument("ACME", quantity_max=3)) == (1,)


def test_a_market_of_an_earlier_listing_opens_at_the_same_money() -> None:
    """A store keeps the definitions that it has: 2.15 are 430 ticks of 0.005, and 215 of 0.01."""
    assert [opening_price(Instrument("GPU-HOUR", tick_size=tick)) for tick in ("0.005", "0.01")] == [430, 215]
