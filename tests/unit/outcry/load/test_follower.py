"""One user's conversation."""

from __future__ import annotations

from random import Random
from typing import Any

import msgpack
import pytest

from openoutcry.wire.digest import book_digest
from outcry.load.counts import LoadCounts
from outcry.load.delays import Delays
from outcry.load.follower import TICKER_INTERVAL_MS, Follower
from outcry.load.latency import LatencyRecorder, add_encoded, new_histogram
from outcry.load.mix import PlannedSubscription
from outcry.load.order_desk import OrderDesk, Quote

NOW_US = 1_000_000
EMPTY = book_digest([], [])


def requests(follower: Follower) -> list[dict[str, Any]]:
    return [msgpack.unpackb(payload) for payload in follower.requests_to_send()]


def snapshot(instrument: str, seq: int) -> list[Any]:
    return [3, instrument, 99, seq, 0, 0, [], [], EMPTY]


def delta(instrument: str, prev_seq: int, seq: int, time: int = NOW_US) -> list[Any]:
    return [4, instrument, prev_seq, seq, time, 0, [], [], EMPTY]


@pytest.fixture
def counts() -> LoadCounts:
    return LoadCounts()


@pytest.fixture
def latency() -> LatencyRecorder:
    return LatencyRecorder()


@pytest.fixture
def follower(counts: LoadCounts, latency: LatencyRecorder) -> Follower:
    """A user of two books, connected, both whole at seq 10."""
    follower = Follower("ann", ["A", "B"], counts, latency, verifies=True)
    follower.connected(NOW_US)
    follower.receive([[1, "welcome"], snapshot("A", 10), snapshot("B", 10)], NOW_US)
    follower.requests_to_send()
    return follower


def test_subscribes_to_its_books_and_to_all_tickers(counts: LoadCounts, latency: LatencyRecorder) -> None:
    follower = Follower("ann", ["A", "B"], counts, latency)
    follower.connected(NOW_US)
    books, tickers = requests(follower)
    assert (books["op"], books["channel"], books["instruments"]) == ("subscribe", "book", ["A", "B"])
    assert books["resume"] == {}
    assert (tickers["channel"], tickers["instruments"]) == ("ticker", ["*"])
    assert tickers["interval_ms"] == TICKER_INTERVAL_MS


def test_request_ids_differ(counts: LoadCounts, latency: LatencyRecorder) -> None:
    wanted = [
        PlannedSubscription("book", ("A",)),
        PlannedSubscription("ticker", ("*",)),
        PlannedSubscription("trades", ("A",)),
    ]
    follower = Follower("ann", ["A"], counts, latency, subscriptions=wanted)
    follower.connected(NOW_US)
    ids = [request["id"] for request in requests(follower)]
    assert len(ids) == len(set(ids)) == 3


def test_resumes_what_it_holds_at_the_next_gateway(follower: Follower) -> None:
    """A whole book costs one small delta after a reconnection, not a snapshot."""
    follower.receive([delta("A", 10, 12), delta("B", 11, 12)], NOW_US)
    follower.connected(NOW_US)
    books = requests(follower)[0]
    assert books["resume"] == {"A": [99, 12, EMPTY]}


def test_asks_for_a_snapshot_once_when_it_sees_a_gap(follower: Follower, counts: LoadCounts) -> None:
    """A stale book is asked for at once, and again with every heartbeat, not with every delta: users have a rate."""
    follower.receive([delta("A", 11, 12), delta("B", 10, 11)], NOW_US)
    assert [(request["op"], request["instrument"]) for request in requests(follower)] == [("resync", "A")]
    assert not follower.is_whole
    follower.receive([[8, 0, {"A": 12, "B": 11}]], NOW_US)
    assert [request["op"] for request in requests(follower)] == ["resync"]
    follower.receive([snapshot("A", 12)], NOW_US)
    assert follower.is_whole
    assert (counts.gaps_seen, counts.gaps_recovered) == (1, 1)


def test_a_lost_tail_is_asked_for(follower: Follower) -> None:
    follower.receive([[8, 0, {"A": 10, "B": 11}]], NOW_US)
    assert [request["instrument"] for request in requests(follower)] == ["B"]


def test_delays_are_those_of_applied_deltas(follower: Follower, latency: LatencyRecorder) -> None:
    follower.receive([delta("A", 10, 11, NOW_US - 2_000)], NOW_US)
    follower.receive([delta("A", 9, 10, NOW_US - 9_000_000)], NOW_US)
    histogram = new_histogram()
    add_encoded(histogram, latency.take())
    assert histogram.get_total_count() == 1
    assert histogram.get_max_value() == pytest.approx(2_000, rel=0.01)


def test_remembers_when_it_last_heard_a_heartbeat(follower: Follower) -> None:
    """Deltas prove nothing about books that do not change: only heartbeats vouch for all."""
    follower.receive([delta("A", 10, 11)], NOW_US + 5)
    assert follower.heard_at_us == NOW_US
    follower.receive([[8, 0, {}]], NOW_US + 7)
    assert follower.heard_at_us == NOW_US + 7


def test_tells_of_every_book_at_the_end(follower: Follower) -> None:
    follower.receive([delta("A", 10, 11)], NOW_US)
    follower.ask_final_books()
    assert [(request["op"], request["instrument"]) for request in requests(follower)] == [
        ("resync", "A"),
        ("resync", "B"),
    ]
    follower.receive([snapshot("A", 11)], NOW_US)
    follower.receive([snapshot("B", 10), snapshot("A", 11)], NOW_US)
    assert [(book.instrument, book.seq, book.asked_seq) for book in follower.final_books] == [
        ("A", 11, 11),
        ("B", 10, 10),
    ]


def test_remembers_a_refusal(follower: Follower, counts: LoadCounts) -> None:
    """A demo whose users wait for ever must be able to say why."""
    follower.receive([[2, 1, True, "", "", {}], [2, 2, False, "rate_limited", "slow down", {}]], NOW_US)
    assert (counts.refusals, follower.last_refusal) == (1, "rate_limited: slow down")


def test_what_it_does_not_know_is_ignored(follower: Follower) -> None:
    """The protocol may gain messages and fields."""
    follower.receive([[77, "new"], [8, 0, {"A": 10}, "new field"]], NOW_US)
    assert follower.is_whole


def test_keeps_trades_only_to_show_them(counts: LoadCounts, latency: LatencyRecorder) -> None:
    wanted = [PlannedSubscription("book", ("A",)), PlannedSubscription("trades", ("A",))]
    watched, other = (
        Follower("ann", ["A"], counts, latency, subscriptions=wanted, verifies=verifies) for verifies in (True, False)
    )
    for follower in (watched, other):
        follower.receive([[5, "A", 11, 1, 0, 100, 5, "bid"]], NOW_US)
    assert [trade.price for trade in watched.trades] == [100]
    assert other.trades is None


def back_again(follower: Follower) -> None:
    """Lose the connection and open another."""
    follower.disconnected()
    follower.connected(NOW_US)
    follower.requests_to_send()


def test_is_whole_again_only_when_every_book_is_confirmed(follower: Follower, counts: LoadCounts) -> None:
    """Seconds to return would be too good if a book that may be old counted."""
    back_again(follower)
    assert not follower.is_whole
    follower.receive([delta("A", 10, 10)], NOW_US)
    assert not follower.is_whole
    follower.receive([delta("B", 10, 14)], NOW_US)
    assert follower.is_whole
    assert (counts.resumes, counts.duplicates, counts.gaps_seen) == (2, 0, 0)


def test_what_was_missed_is_no_delay(follower: Follower, latency: LatencyRecorder) -> None:
    """The delta that leads a returning user on is as old as the last change of a book, minutes in a quiet one."""
    back_again(follower)
    follower.receive([delta("A", 10, 12, NOW_US - 60_000_000)], NOW_US)
    assert latency.take() == ""


def test_a_confirmation_with_another_digest_is_a_stale_book(follower: Follower, counts: LoadCounts) -> None:
    back_again(follower)
    confirmation = delta("A", 10, 10)
    confirmation[8] = EMPTY + 1
    follower.receive([confirmation], NOW_US)
    assert counts.gaps_seen == 1
    assert [request["op"] for request in requests(follower)] == ["resync"]


def test_a_window_is_not_resumed(counts: LoadCounts, latency: LatencyRecorder) -> None:
    """The protocol resumes whole books; windows come as a snapshot."""
    wanted = [PlannedSubscription("book", ("A",), 5, 100)]
    follower = Follower("ann", ["A"], counts, latency, subscriptions=wanted, depth=5)
    follower.connected(NOW_US)
    follower.receive([[3, "A", 99, 10, 0, 5, [], [], EMPTY]], NOW_US)
    follower.connected(NOW_US)
    request = requests(follower)[-1]
    assert (request["depth"], request["interval_ms"], "resume" in request) == (5, 100, False)
    assert not follower.is_whole
    follower.receive([[3, "A", 99, 11, 0, 5, [], [], EMPTY]], NOW_US)
    assert follower.is_whole


def test_a_top_is_not_taken_for_a_book(counts: LoadCounts, latency: LatencyRecorder) -> None:
    """Both come as snapshots; their depth tells them apart."""
    delays = Delays()
    wanted = [PlannedSubscription("book", ("A",)), PlannedSubscription("top", ("A",))]
    follower = Follower("ann", ["A"], counts, latency, subscriptions=wanted, delays=delays)
    follower.connected(NOW_US)
    follower.receive([[3, "A", 99, 7, NOW_US - 9_000_000, 1, [], [], EMPTY]], NOW_US)
    assert not follower.is_whole
    assert delays.take() == {}, "the age of a first state is no delay"
    follower.receive([[3, "A", 99, 8, NOW_US - 1_000, 1, [], [], EMPTY]], NOW_US)
    assert (counts.tops, counts.snapshots, list(delays.take())) == (2, 0, ["top"])


def test_an_instrument_listed_later_is_followed(counts: LoadCounts, latency: LatencyRecorder) -> None:
    follower = Follower("ann", ["A"], counts, latency, subscriptions=[PlannedSubscription("book", ("*",))])
    follower.connected(NOW_US)
    follower.receive([snapshot("A", 10), snapshot("NEW", 1), delta("NEW", 1, 2), [8, 0, {"A": 10, "NEW": 2}]], NOW_US)
    assert follower.books["NEW"].seq == 2
    assert follower.is_whole


def test_tickers_tell_prices_and_delays(counts: LoadCounts, latency: LatencyRecorder) -> None:
    delays, quotes = Delays(), {}
    follower = Follower("ann", [], counts, latency, delays=delays, quotes=quotes)
    follower.connected(NOW_US)
    ticker = [6, "A", 1, NOW_US - 2_000, 100, 5, 104, 7, 0, 0, 0, 0, 0]
    follower.receive([ticker], NOW_US)
    assert (quotes, delays.take()) == ({"A": Quote(100, 104)}, {})
    follower.receive([ticker], NOW_US)
    assert list(delays.take()) == ["ticker"]


def test_orders_and_their_answers_go_to_the_desk(follower: Follower, counts: LoadCounts) -> None:
    quotes = {"A": Quote(100, 104)}
    follower.desk = OrderDesk("run-1", ["A"], quotes, counts, Delays(), Random(3))
    assert follower.order(NOW_US, NOW_US)
    (request,) = requests(follower)
    follower.receive([[2, request["id"], True, "", "", {"order_id": 5}]], NOW_US)
    follower.receive([execution(request["client_order_id"], "accepted", 3)], NOW_US)
    assert (counts.orders_sent, counts.orders_accepted, counts.executions) == (1, 1, 1)
    assert list(follower.desk.open_orders) == [request["client_order_id"]]
    follower.receive([execution(request["client_order_id"], "cancelled", 0)], NOW_US)
    assert not follower.desk.open_orders


def test_a_refused_order_is_no_refused_subscription(follower: Follower, counts: LoadCounts) -> None:
    follower.desk = OrderDesk("run-1", ["A"], {"A": Quote(100, 104)}, counts, Delays(), Random(3))
    follower.order(NOW_US, NOW_US)
    (request,) = requests(follower)
    follower.receive([[2, request["id"], False, "busy", "try again", {}]], NOW_US)
    assert (counts.orders_refused, counts.refusals, follower.last_refusal) == (1, 0, "busy: try again")


def test_only_some_books_are_asked_for_at_the_end(follower: Follower) -> None:
    follower.ask_final_books(["B"])
    assert [request["instrument"] for request in requests(follower)] == ["B"]
    assert not follower.has_answered
    follower.receive([snapshot("B", 10)], NOW_US)
    assert follower.has_answered


def execution(client_order_id: str, event: str, remaining: int) -> list[Any]:
    return [10, 1, event, 0, 5, client_order_id, "A", "bid", "limit", "gtc", 100, 5, remaining, 0, 0, 0, "", ""]
