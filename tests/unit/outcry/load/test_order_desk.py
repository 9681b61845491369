"""One user's trading: sensible, bounded, and timed from when it was meant."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from outcry.load.counts import LoadCounts
from outcry.load.delays import Delays
from outcry.load.latency import add_encoded, new_histogram
from outcry.load.order_desk import DISTANCE_MAX, OPEN_ORDERS_MAX, THROUGH, OrderDesk, Quote

NOW_US = 5_000_000
QUOTE = Quote(100, 104)


@pytest.fixture
def counts() -> LoadCounts:
    return LoadCounts()


@pytest.fixture
def delays() -> Delays:
    return Delays()


@pytest.fixture
def desk(counts: LoadCounts, delays: Delays) -> OrderDesk:
    return OrderDesk("run-7", ["A"], {"A": QUOTE}, counts, delays, Random(1))


def trade(desk: OrderDesk, number: int) -> list[dict[str, Any]]:
    """Send so many requests, each accepted and executed at once."""
    sent = []
    for request_id in range(number):
        request = desk.next_request()
        assert request is not None
        sent.append(request)
        desk.sent(request_id, request, NOW_US, NOW_US)
        desk.take_reply(request_id, is_ok=True, now_us=NOW_US + 1_000)
        rests = request["op"] == "order" and request["time_in_force"] == "gtc"
        event = "accepted" if rests else "cancelled"
        desk.take_execution(request["client_order_id"], event, 1 if rests else 0, NOW_US + 2_000)
    return sent


def longest_ms(delays: Delays, name: str) -> float:
    histogram = new_histogram()
    add_encoded(histogram, delays.take()[name])
    longest: int = histogram.get_max_value()
    return longest / 1000


def test_what_rests_is_bounded(desk: OrderDesk) -> None:
    for _ in range(50):
        trade(desk, 10)
        assert len(desk.open_orders) <= OPEN_ORDERS_MAX


def test_rests_near_the_market_and_takes_a_little_beyond_it(desk: OrderDesk) -> None:
    orders = [request for request in trade(desk, 500) if request["op"] == "order"]
    for order in orders:
        if order["time_in_force"] == "ioc":
            assert order["price"] in (QUOTE.bid - THROUGH, QUOTE.ask + THROUGH)
        elif order["side"] == "bid":
            assert QUOTE.bid - DISTANCE_MAX <= order["price"] <= QUOTE.bid
        else:
            assert QUOTE.ask <= order["price"] <= QUOTE.ask + DISTANCE_MAX
    assert len({order["client_order_id"] for order in orders}) == len(orders)


def test_orders_and_cancels_alternate_once_enough_rests(desk: OrderDesk) -> None:
    requests = trade(desk, 500)
    cancels = sum(request["op"] == "cancel" for request in requests)
    takes = sum(request.get("time_in_force") == "ioc" for request in requests)
    assert 0.35 < cancels / len(requests) < 0.5
    assert 0.05 < takes / len(requests) < 0.15


def test_orders_under_way_count_as_resting(desk: OrderDesk) -> None:
    """A slow answer must not let the book fill up."""
    requests = []
    for request_id in range(50):
        request = desk.next_request()
        assert request is not None
        desk.sent(request_id, request, NOW_US, NOW_US)
        requests.append(request)
    assert [request["time_in_force"] for request in requests[OPEN_ORDERS_MAX:]] == ["ioc"] * (50 - OPEN_ORDERS_MAX)
    assert "gtc" in [request["time_in_force"] for request in requests[:OPEN_ORDERS_MAX]]
    assert not desk.open_orders


def test_nothing_is_ordered_without_a_price(counts: LoadCounts, delays: Delays) -> None:
    assert OrderDesk("run-7", ["A"], {}, counts, delays, Random(1)).next_request() is None
    assert OrderDesk("run-7", [], {}, counts, delays, Random(1)).next_request() is None
    assert OrderDesk("run-7", ["A"], {"A": Quote(0, 0)}, counts, delays, Random(1)).next_request() is None


def test_a_one_sided_book_is_traded_too(counts: LoadCounts, delays: Delays) -> None:
    for quote in (Quote(100, 0), Quote(0, 104), Quote(1, 0), Quote(0, 1)):
        desk = OrderDesk("run-7", ["A"], {"A": quote}, counts, delays, Random(1))
        assert all(request["price"] >= 1 for request in trade(desk, 100) if request["op"] == "order")


def test_delays_count_from_the_intended_time(desk: OrderDesk, delays: Delays) -> None:
    """Sent 900 ms late, answered in 5 ms: a user waited 905 ms, and the uncorrected figure says 5."""
    desk.sent(1, {"op": "order", "client_order_id": "x"}, NOW_US - 900_000, NOW_US)
    assert desk.take_reply(1, is_ok=True, now_us=NOW_US + 5_000)
    desk.take_execution("x", "accepted", 5, NOW_US + 6_000)
    taken = delays.take()
    found = {}
    for name in ("accepted", "accepted_service", "executed"):
        histogram = new_histogram()
        add_encoded(histogram, taken[name])
        found[name] = histogram.get_max_value() / 1000
    assert found == pytest.approx({"accepted": 905, "accepted_service": 5, "executed": 906}, rel=0.01)


def test_cancels_have_a_figure_of_their_own(desk: OrderDesk, delays: Delays) -> None:
    desk.sent(1, {"op": "cancel", "client_order_id": "x"}, NOW_US, NOW_US)
    desk.take_reply(1, is_ok=True, now_us=NOW_US + 3_000)
    assert longest_ms(delays, "cancelled") == pytest.approx(3, rel=0.01)


def test_refusals_are_counted_and_not_timed(desk: OrderDesk, counts: LoadCounts, delays: Delays) -> None:
    desk.sent(1, {"op": "order", "client_order_id": "x"}, NOW_US, NOW_US)
    assert desk.take_reply(1, is_ok=False, now_us=NOW_US)
    assert (counts.orders_refused, counts.orders_accepted, delays.take()) == (1, 0, {})


def test_other_replies_are_not_its_own(desk: OrderDesk) -> None:
    assert not desk.take_reply(99, is_ok=True, now_us=NOW_US)


def test_a_lost_connection_leaves_orders_unanswered(desk: OrderDesk, counts: LoadCounts) -> None:
    """They may stand: the account tells on the next connection."""
    desk.sent(1, {"op": "order", "client_order_id": "x"}, NOW_US, NOW_US)
    desk.disconnected()
    assert (counts.orders_unanswered, desk.waits) == (1, False)
    desk.take_account([[17, "x", "A"]])
    assert list(desk.open_orders) == ["x"]
