"""What users subscribe to, as one flag says it."""

from __future__ import annotations

from collections import Counter

import pytest

from openoutcry.wire.errors import ConfigurationError
from outcry.load.mix import DEFAULT_MIX_TEXT, ENTRIES_MAX, SUBSCRIPTIONS_MAX, PlannedSubscription, parse_mix

LISTING = ["A", "B", "C", "D", "E"]


def subscriptions(text: str, number: int = 0) -> tuple[PlannedSubscription, ...]:
    return parse_mix(text).subscriptions(number, LISTING)


def test_the_default_is_what_the_demos_users_do() -> None:
    assert subscriptions(DEFAULT_MIX_TEXT) == (
        PlannedSubscription("book", ("A", "B", "C")),
        PlannedSubscription("ticker", ("*",), interval_ms=250),
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("book:all", tuple(LISTING)),
        ("book:*", ("*",)),
        ("book:D", ("D",)),
        ("book:2", ("D", "E")),
        ("book:9", ("D", "E", "A", "B", "C")),
    ],
)
def test_what_is_followed(text: str, names: tuple[str, ...]) -> None:
    """A number is so many neighbours, and no more than there are."""
    assert subscriptions(text, number=3)[0].instruments == names


def test_depth_and_interval() -> None:
    assert subscriptions("top:A@5/100") == (PlannedSubscription("top", ("A",), 5, 100),)


def test_the_account_names_nothing() -> None:
    assert subscriptions("account")[0].channel == "account"


def test_weights_make_alternatives_in_proportion() -> None:
    mix = parse_mix("book:all=1,book:1=9,ticker:*")
    counts = Counter(len(mix.subscriptions(number, LISTING)[0].instruments) for number in range(1_000))
    assert counts[5] == pytest.approx(100, abs=2)
    assert counts[1] == pytest.approx(900, abs=2)
    assert all(len(mix.subscriptions(number, LISTING)) == 2 for number in range(20))


def test_alternatives_fall_evenly_on_every_gateway() -> None:
    """Users are dealt to gateways in turns: weights must not be."""
    mix = parse_mix("book:all=1,book:1=1")
    for gateway in range(2):
        heavy = sum(len(mix.subscriptions(number, LISTING)[0].instruments) == 5 for number in range(gateway, 400, 2))
        assert heavy == pytest.approx(100, abs=5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must begin with one of book, top, ticker, trades, status, account"),
        ("candles:*", "'candles:*' must begin with one of"),
        ("book", "after book: comes all, *, a number or a symbol"),
        ("book:acme", "after book: comes"),
        ("book:0", f"must be 1 to {SUBSCRIPTIONS_MAX}"),
        ("book:A@7", "DEPTH must be one of 0, 5, 10, 20, 50, not 7"),
        ("ticker:*@5", "channel ticker has no DEPTH"),
        ("ticker:*/30", "INTERVAL must be one of 0, 50, 100, 250, 1000, not 30"),
        ("book:A=0", "WEIGHT must be above 0"),
        ("book:A=much", "WEIGHT must be above 0"),
        ("account:A", "account is the user's own"),
        ("book:A@5,book:B", "books have one DEPTH, not 5 and 0"),
        ("book:A@5,top:*@5", "book and top cannot both have DEPTH 5"),
        (",".join(["ticker:*"] * (ENTRIES_MAX + 1)), f"at most {ENTRIES_MAX} entries"),
    ],
)
def test_errors_name_field_rule_and_limit(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match="--mix") as caught:
        parse_mix(text)
    assert said in str(caught.value)


def test_alternatives_may_have_different_depths() -> None:
    assert {parse_mix("book:A@5=1,book:A=1").subscriptions(n, LISTING)[0].depth for n in range(10)} == {0, 5}


def test_an_unlisted_instrument_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="NOPE is not listed; there are A, B"):
        subscriptions("book:NOPE")


def test_more_subscriptions_than_a_connection_may_have() -> None:
    listing = [f"I{number}" for number in range(SUBSCRIPTIONS_MAX)]
    with pytest.raises(ConfigurationError, match=r"257 subscriptions a user, .* say \* for all"):
        parse_mix("book:all,ticker:*").subscriptions(0, listing)
