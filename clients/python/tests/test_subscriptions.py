"""Wishes become few requests, and each wish knows how far it has come."""

from __future__ import annotations

from openoutcry.subscriptions import INSTRUMENTS_PER_REQUEST_MAX, Standing, Subscription, Subscriptions
from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.request_limits import REQUEST_BYTES_MAX
from openoutcry.wire.types import EPOCH_MAX


def names(groups: list[list[Subscription]]) -> list[list[str]]:
    return [[subscription.instrument for subscription in group] for group in groups]


def test_what_was_asked_is_not_asked_again() -> None:
    wishes = Subscriptions()
    wishes.add(Subscription("book", "A"))
    assert names(wishes.take_wanted()) == [["A"]]
    assert wishes.take_wanted() == []
    wishes.reset()
    assert names(wishes.take_wanted()) == [["A"]]


def test_wishes_of_one_shape_share_a_request() -> None:
    wishes = Subscriptions()
    for channel, instrument, depth in (("book", "A", 0), ("book", "B", 5), ("book", "C", 0), ("ticker", "A", 0)):
        wishes.add(Subscription(channel, instrument, depth))
    assert names(wishes.take_wanted()) == [["A", "C"], ["B"], ["A"]]


def test_separated_wishes_are_asked_alone() -> None:
    wishes = Subscriptions()
    for instrument in "ABC":
        wishes.add(Subscription("book", instrument))
    wishes.take_wanted()
    wishes.separate([("book", "A"), ("book", "B"), ("book", "GONE")])
    assert names(wishes.take_wanted()) == [["A"], ["B"]]


def test_a_wish_is_active_when_it_was_accepted() -> None:
    wishes = Subscriptions()
    wishes.add(Subscription("book", "A"))
    assert not wishes.is_active(("book", "A"))
    wishes.set_standing([("book", "A"), ("book", "GONE")], Standing.ACTIVE)
    assert wishes.is_active(("book", "A"))
    assert not wishes.is_active(("book", "GONE"))
    assert wishes.remove(("book", "A")) is not None
    assert wishes.remove(("book", "A")) is None


def test_the_largest_request_is_within_the_servers_limit() -> None:
    instruments = [f"{number:X<24}" for number in range(INSTRUMENTS_PER_REQUEST_MAX)]
    position = [EPOCH_MAX, EPOCH_MAX, 2**32 - 1]
    fields = {"op": "subscribe", "id": EPOCH_MAX, "channel": "book", "instruments": instruments, "depth": 50}
    fields |= {"interval_ms": 1000, "resume": dict.fromkeys(instruments, position)}
    assert all(len(encode_request(fields, encoding)) < REQUEST_BYTES_MAX for encoding in Encoding)
