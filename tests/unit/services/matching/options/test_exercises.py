"""Options are exercised by their holders: strike for shares, both or neither."""

from __future__ import annotations

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import ISSUER, Code
from shared.logs.commands import ListInstrument
from shared.logs.option_commands import Exercise
from shared.logs.rule_commands import RuleKind, RuleParameters, SetKill, SetRule
from tests.unit.services.matching.flow import Desk, code, outcome
from tests.unit.services.matching.options.option_market import DAY, EXPIRES_AT, OPTION, SHARE, OptionMarket, moved


@pytest.fixture
def market() -> OptionMarket:
    """Emma has 5 lots and 3,000.00 USD."""
    market = OptionMarket()
    market.grant("emma", 5, OPTION)
    market.deposit("emma", 3_000)
    return market


def test_two_lots_cost_2400_and_bring_20_shares(market: OptionMarket) -> None:
    events = market.exercise("emma", 2)
    assert code(events) is Code.OK
    assert moved(events, "emma") == [
        ("exercise", "USD", "-2400.000000"),
        ("exercise", SHARE, "20"),
        ("exercise", OPTION, "-2"),
    ]
    assert moved(events, ISSUER) == [
        ("exercise", "USD", "2400.000000"),
        ("exercise", SHARE, "-20"),
        ("exercise", OPTION, "2"),
    ]
    assert (market.cash("emma"), market.lots("emma"), market.lots("emma", SHARE)) == ((60_000, 0), 3, 20)


def test_what_is_missing_is_named_and_nothing_is_done(market: OptionMarket) -> None:
    market.bid("emma", 10_000, 20, instrument=SHARE)  # 2,000.00 are reserved
    refused = outcome(market.exercise("emma", 2))
    assert (refused.code, refused.text) == (Code.INSUFFICIENT_CASH, "lots: needs 2,400.00 USD, 1,000.00 are free")
    refused = outcome(market.exercise("emma", 6))
    assert (refused.code, refused.text) == (Code.INSUFFICIENT_HOLDINGS, "lots: needs 6 lots, 5 are free")
    assert (market.lots("emma"), market.lots("emma", SHARE)) == (5, 0)


def test_lots_that_are_offered_or_held_back_cannot_be_exercised(market: OptionMarket) -> None:
    market.ask("emma", 900, 2, instrument=OPTION)
    market.grant("emma", 4, OPTION, available_from=EXPIRES_AT + 1)
    assert outcome(market.exercise("emma", 4)).text == "lots: needs 4 lots, 3 are free"


def test_an_exercise_happens_once_under_its_name(market: OptionMarket) -> None:
    """So whoever lost the answer may ask again; names are each user's own."""
    market.exercise("emma", 1, "x")
    again = market.exercise("emma", 1, "x")
    assert (code(again), moved(again, "emma"), market.lots("emma")) == (Code.OK, [], 4)
    other = outcome(market.exercise("emma", 2, "x"))
    assert (other.code, other.text) == (
        Code.DUPLICATE_TRANSFER,
        "exercise_id: x was used before, for another exercise",
    )
    market.grant("ben", 1, OPTION)
    market.deposit("ben", 1_200)
    assert code(market.exercise("ben", 1, "x")) is Code.OK


def test_a_put_delivers_shares_for_the_strike() -> None:
    market = OptionMarket(right="put")
    market.grant("emma", 2, OPTION)
    assert outcome(market.exercise("emma", 1)).text == f"lots: needs 10 lots of {SHARE}, 0 are free"
    market.grant("emma", 15, SHARE)
    events = market.exercise("emma", 1)
    assert moved(events, "emma") == [
        ("exercise", "USD", "1200.000000"),
        ("exercise", SHARE, "-10"),
        ("exercise", OPTION, "-1"),
    ]


@pytest.mark.parametrize(
    ("symbol", "lots", "refusal", "text"),
    [
        (SHARE, 1, Code.BAD_REQUEST, f"instrument: {SHARE} is nothing that is exercised here"),
        ("NONE", 1, Code.UNKNOWN_INSTRUMENT, "instrument: there is no NONE"),
        (OPTION, 0, Code.QUANTITY_OUT_OF_RANGE, "lots: must be from 1 to 1,000,000, not 0"),
        (OPTION, -1, Code.QUANTITY_OUT_OF_RANGE, "lots: must be from 1 to 1,000,000, not -1"),
    ],
)
def test_what_cannot_be_exercised(market: OptionMarket, symbol: str, lots: int, refusal: Code, text: str) -> None:
    refused = outcome(market.exercise("emma", lots, symbol=symbol))
    assert (refused.code, refused.text) == (refusal, text)


def test_some_options_are_exercised_at_their_expiry_only() -> None:
    market = OptionMarket(style="expiry")
    market.grant("emma", 1, OPTION)
    assert outcome(market.exercise("emma", 1)).text == f"instrument: {OPTION} is exercised at its expiry only"


def test_an_option_without_an_end_is_for_users_to_know(market: OptionMarket) -> None:
    terms = {"underlying": SHARE, "right": "call", "strike": 1, "expiry": DAY}
    market.does(ListInstrument, Instrument("OLD", "option", option=terms))
    assert outcome(market.exercise("emma", 1, symbol="OLD")).code is Code.BAD_REQUEST


def test_a_market_without_accounts_has_nothing_to_exercise() -> None:
    assert outcome(Desk().does(Exercise, "emma", "e", "ACME", 1)).code is Code.BAD_REQUEST


def test_a_blackout_forbids_exercise_only_if_it_says_so(market: OptionMarket) -> None:
    """Policies differ; without a word it stays allowed."""
    market.join("emma", "finance")
    market.grant("emma", 2, OPTION)
    for exercise in (False, True):
        made = RuleParameters(exercise=exercise)
        rule = ("root", "Q4", RuleKind.BLACKOUT, ("finance",), (SHARE,), 0, 0, made, False)
        assert code(market.does(SetRule, *rule)) is Code.OK
        assert code(market.exercise("emma", 1, f"e{exercise}")) is (Code.BLACKOUT if exercise else Code.OK)


def test_who_is_stopped_from_trading_exercises_nothing(market: OptionMarket) -> None:
    market.does(SetKill, "root", "user", "emma", True, "")
    assert outcome(market.exercise("emma", 1)).code is Code.KILLED
