"""One user's conversation."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from openoutcry.load.counts import LoadCounts
from openoutcry.load.follower import TICKER_INTERVAL_MS, Follower
from openoutcry.load.latency import LatencyRecorder, add_encoded, new_histogram
from shared.digest import book_digest

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
    follower = Follower("ann", ["A"], counts, latency, shows_trades=True)
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
    follower = Follower("ann", ["A"], counts, latency, shows_trades=True)
    follower.receive([[5, "A", 11, 1, 0, 100, 5, "bid"]], NOW_US)
    assert [trade.price for trade in follower.trades] == [100]
