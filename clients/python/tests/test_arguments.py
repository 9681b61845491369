"""What callers give for prices, quantities and names: integers of any kind, and a sentence for everything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from conversation import Conversation
from openoutcry.arguments import checked_fields, seconds
from openoutcry.feed_session import FeedSession
from openoutcry.wire.errors import InvalidArgument
from openoutcry.wire.types import Side

WHOLE = [5, np.int64(5), np.int32(5), np.uint8(5), np.array(5)]


@pytest.mark.parametrize("value", WHOLE, ids=lambda value: type(value).__name__)
def test_what_is_an_integer_is_taken_for_one(value: Any) -> None:
    fields = checked_fields({"price": value, "quantity": value, "order_id": value})
    assert fields == {"price": 5, "quantity": 5, "order_id": 5}
    assert {type(each) for each in fields.values()} == {int}


def test_a_token_is_longer_than_a_name_and_is_not_repeated() -> None:
    """A session could not go on with an identity provider's token: 256 letters were the limit, and some were told."""
    assert checked_fields({"token": "e" * 1_000}) == {"token": "e" * 1_000}
    for token in ("secret token", "e" * 8_001, 5):
        with pytest.raises(InvalidArgument, match=r"^token: ") as refused:
            checked_fields({"token": token})
        assert "secret" not in str(refused.value)
        assert "eee" not in str(refused.value)


BROKEN = [5.0, 99.9, float("nan"), Decimal("99.9"), Decimal(5), Fraction(5), "5", True, np.float64(5), np.True_]


@pytest.mark.parametrize("value", BROKEN, ids=repr)
def test_what_is_no_integer_is_refused_with_the_way_out(value: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^price: is a whole number of ticks, not .*Instrument\.ticks"):
        checked_fields({"price": value})
    with pytest.raises(InvalidArgument, match=r"^quantity: is a whole number of lots, not "):
        checked_fields({"quantity": value})


CEST = timezone(timedelta(hours=2))


@pytest.mark.parametrize("value", [1_792_764_000_000_000, datetime(2026, 10, 23, 16, 0, tzinfo=CEST)], ids=repr)
def test_a_moment_is_microseconds_or_a_datetime_with_its_zone(value: Any) -> None:
    assert checked_fields({"expires_at": value}) == {"expires_at": 1_792_764_000_000_000}


@pytest.mark.parametrize("value", [date(2026, 10, 23), "2026-10-23"], ids=repr)
def test_a_day_is_a_date_or_its_text(value: Any) -> None:
    assert checked_fields({"expires_on": value}) == {"expires_on": "2026-10-23"}


def test_a_time_that_could_be_two_is_refused() -> None:
    """A datetime without a zone is another moment on every machine, and one with a time of day is no day."""
    with pytest.raises(InvalidArgument, match=r"^expires_at: is µs since 1970, or a datetime that knows its zone"):
        checked_fields({"expires_at": datetime(2026, 10, 23)})  # noqa: DTZ001 - refused
    with pytest.raises(InvalidArgument, match=r"^expires_at: is a whole number of microseconds, not "):
        checked_fields({"expires_at": 1.5})
    with pytest.raises(InvalidArgument, match=r"^expires_on: is a date, or YYYY-MM-DD, not "):
        checked_fields({"expires_on": datetime(2026, 10, 23, tzinfo=UTC)})


def test_a_trigger_is_a_whole_number_of_ticks() -> None:
    with pytest.raises(InvalidArgument, match=r"^trigger: is a whole number of ticks, not .*Instrument\.ticks"):
        checked_fields({"trigger": 9.5})


def test_the_sentence_shows_value_and_type() -> None:
    with pytest.raises(ValueError, match=r"not 99\.9 \(float\)"):
        checked_fields({"price": 99.9})


@pytest.mark.parametrize("value", [1, 0, None, "true", np.True_], ids=repr)
def test_a_switch_is_true_or_false(value: Any) -> None:
    if value is None:
        assert checked_fields({"post_only": value}) == {}
        return
    with pytest.raises(InvalidArgument, match=r"^post_only: is True or False, not "):
        checked_fields({"post_only": value})


@pytest.mark.parametrize("value", [1, b"mine", UUID(int=1), ["ACME"]], ids=repr)
def test_a_name_is_a_text(value: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^client_order_id: is a text, not "):
        checked_fields({"client_order_id": value})


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**70, 10**5_000], ids=int.bit_length)
def test_a_number_that_no_message_holds_is_refused(value: int) -> None:
    """The encoder raised an error of its own, once the request counted as asked."""
    with pytest.raises(InvalidArgument, match=r"^price: is a whole number of ticks below 2\*\*53, not "):
        checked_fields({"price": value})
    assert checked_fields({"price": 2**53 - 1}) == {"price": 2**53 - 1}


UNWRITABLE = [None, 5, b"ACME", ["ACME"], object(), "\ud800", "A" * 300_000]


@pytest.mark.parametrize("value", UNWRITABLE, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("ask", ["follow_book", "follow", "unfollow"])
def test_a_wish_that_cannot_be_written_is_refused_before_it_is_one(value: Any, ask: str) -> None:
    """It was made again on every connection: there it ended the market, or the connection, for ever."""
    talk = Conversation()
    talk.open()
    asks: dict[str, Callable[[], object]] = {
        "follow_book": lambda: talk.session.follow_book(value, 0, 0, talk.now),
        "follow": lambda: talk.session.follow("ticker", value, talk.now),
        "unfollow": lambda: talk.session.unfollow("ticker", value),
    }
    with pytest.raises(InvalidArgument, match=r"^instrument: is a text"):
        asks[ask]()
    talk.reopen()
    assert talk.said() == []


def test_all_is_no_book() -> None:
    with pytest.raises(InvalidArgument, match=r"^instrument: is the symbol of one instrument, not "):
        FeedSession().follow_book("*", 0, 0, 0.0)


@pytest.mark.parametrize("value", ["5", None, float("nan"), True], ids=repr)
def test_a_timeout_is_a_number(value: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^timeout_s: is a number of seconds, not "):
        seconds("timeout_s", value)
    assert [seconds("timeout_s", good) for good in (0, 2.5, float("inf"))] == [0, 2.5, float("inf")]


def test_a_member_of_an_enumeration_is_a_text() -> None:
    assert checked_fields({"side": Side.BID}) == {"side": "bid"}


def test_a_session_sends_nothing_of_a_request_that_it_refuses() -> None:
    """And keeps nothing of it: 1,025 wrong prices would have used up what a connection may ask."""
    talk = Conversation()
    talk.open()
    for _ in range(1100):
        with pytest.raises(InvalidArgument):
            talk.session.request("order", instrument="ACME", price=99.9, quantity=1)
    talk.session.request("order", instrument="ACME", price=np.int64(99), quantity=1)


@pytest.mark.parametrize(("name", "value"), [("depth", 5.0), ("interval_ms", "50"), ("depth", True)])
def test_a_book_s_depth_and_interval_are_integers(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match=name):
        FeedSession().follow_book("ACME", **{"depth": 0, "interval_ms": 0, name: value}, now=0.0)


def test_a_book_s_depth_may_be_of_any_kind_of_integer() -> None:
    view = FeedSession().follow_book("ACME", np.int64(10), 0, 0.0)  # type: ignore[arg-type]
    assert type(view.book.depth) is int


def test_actions_are_maps_of_what_a_message_holds() -> None:
    terms = {"action": "list_instrument", "option": {"strike": np.int64(5)}, "groups": ("a",), "on": True, "x": None}
    assert checked_fields({"actions": (terms,)})["actions"] == [
        {"action": "list_instrument", "option": {"strike": 5}, "groups": ["a"], "on": True, "x": None}
    ]
    assert checked_fields({"actions": [{"amount": 2**63 - 1}]}) == {"actions": [{"amount": 2**63 - 1}]}


@pytest.mark.parametrize(
    "actions",
    [
        [], "admin", {"action": "x"}, [1], [{1: 2}], [{"x": 1.5}], [{"x": Decimal(1)}], [{"x": 2**63}],
        [{"x": "\ud800"}],
        [{"x": b"a"}], [{"x": {"x": {"x": {"x": 1}}}}], [{"x": {1}}],
    ],
    ids=repr,
)  # fmt: skip
def test_actions_of_anything_else_are_refused(actions: Any) -> None:
    """They could not be written; nothing was sent."""
    with pytest.raises(InvalidArgument, match=r"^actions: "):
        checked_fields({"actions": actions})
