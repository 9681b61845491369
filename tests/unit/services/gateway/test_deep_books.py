"""Books too deep to be sent in one turn: who asks waits, and nobody else does."""

from __future__ import annotations

import pytest

from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Delta, Reply, Snapshot
from openoutcry.wire.sequence import Verdict
from services.gateway import deep_snapshots, joining, snapshot_making
from services.gateway.gateway import ConnectedClient
from services.gateway.limits import GatewayLimits
from services.gateway.snapshot_making import SnapshotMaking
from services.gateway.subscriber import LagLimits
from shared.token_bucket import Rate
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_gateway import House, kinds

DEEP = 40
"""Levels of ACME, where ten are deep."""
PART = 4
ACME = {"channel": "book", "instruments": ["ACME"]}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep_snapshots, "DEEP_LEVELS", 10)
    monkeypatch.setattr(joining, "ROWS_A_PART", 10)
    monkeypatch.setattr(snapshot_making, "LEVELS_A_PART", PART)


def house() -> House:
    limits = GatewayLimits(requests=Rate(1e6, 10**6), lag=LagLimits(soft_bytes=200, hard_bytes=300))
    at = House("ACME", "BETA", limits=limits)
    at.feed(bids=[(price, 1) for price in range(1, DEEP + 1)])
    at.feed(bids=[(1, 1)], symbol="BETA")
    return at


def go_on(at: House) -> None:
    at.gateway.go_on(at.now, at.time_us)


def finish(at: House) -> int:
    """Do what is left; how many turns it took."""
    turns = 0
    while at.gateway.has_more:
        go_on(at)
        turns += 1
    return turns


def follow(at: House, user: str = "ann", encoding: Encoding = Encoding.MSGPACK) -> tuple[ConnectedClient, Listener]:
    client, listener = at.enter(user, encoding)
    at.ask(client, listener, op="subscribe", **ACME)
    finish(at)
    listener.forget()
    return client, listener


def is_right(at: House, listener: Listener) -> bool:
    book = listener.book()
    return book.digest == at.exchange.books["ACME"].digest and set(listener.verdicts) == {Verdict.APPLY}


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("request_", [ACME, {"channel": "book"}])
def test_its_snapshot_is_made_in_parts_and_sent_with_what_changed(
    encoding: Encoding, request_: dict[str, object]
) -> None:
    """In one turn, 300,000 levels held up everybody for 300 ms."""
    at = house()
    client, listener = at.enter("ann", encoding)
    assert kinds(at.ask(client, listener, op="subscribe", **request_)) == [Reply]
    listener.forget()
    turns = 0
    while not any(snapshot.instrument == "ACME" for snapshot in listener.heard(Snapshot)):
        go_on(at)
        at.feed(bids=[(100 + turns, 1)])
        turns += 1
    finish(at)
    assert turns >= DEEP / PART
    at.feed(bids=[(500, 1)])
    assert is_right(at, listener)


def test_others_are_served_meanwhile_and_large_requests_too() -> None:
    at = house()
    waiting, quiet = at.enter()
    at.ask(waiting, quiet, op="subscribe", **ACME)
    assert waiting.waiting is not None
    other, listener = at.enter("bob")
    messages = at.ask(other, listener, op="subscribe", channel="book", instruments=["BETA"])
    assert kinds(messages) == [Reply, Snapshot]
    large, beside = at.enter("cat")
    at.ask(large, beside, op="subscribe", channel="trades", instruments=["ACME", "BETA"] * 20)
    at.ask(large, beside, op="subscribe", channel="book", instruments=["BETA"])
    go_on(at)
    assert beside.heard(Snapshot)
    assert waiting.waiting is not None


def test_one_that_is_made_serves_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand who return cost one encoding."""
    at, begun = house(), 0
    begin = SnapshotMaking.__init__

    def counted(self: SnapshotMaking, *arguments: object) -> None:
        nonlocal begun
        begun += 1
        begin(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SnapshotMaking, "__init__", counted)
    clients = [at.enter(f"user-{number}", list(Encoding)[number % 2]) for number in range(6)]
    for client, listener in clients:
        at.ask(client, listener, op="subscribe", **ACME)
        go_on(at)
    finish(at)
    late, listener = at.enter("late")
    at.feed(bids=[(7, 0)])
    assert kinds(at.ask(late, listener, op="subscribe", **ACME)) == [Reply, Snapshot, Delta]
    assert all(is_right(at, each) for _, each in (*clients, (late, listener)))
    assert begun == 1


def test_a_window_of_it_is_sent_at_once() -> None:
    at = house()
    client, listener = at.enter()
    messages = at.ask(client, listener, op="subscribe", depth=5, **ACME)
    assert kinds(messages) == [Reply, Snapshot]
    assert not at.gateway.has_more


def test_a_resume_that_a_delta_serves_waits_for_nothing() -> None:
    at = house()
    _, before = follow(at)
    at.feed(bids=[(50, 1)])
    book, (client, listener) = before.book(), at.enter()
    position = [book.epoch, book.seq, book.digest]
    messages = at.ask(client, listener, op="subscribe", resume={"ACME": position}, **ACME)
    assert kinds(messages) == [Reply, Delta]


def test_a_resume_that_none_serves_is_answered_with_the_snapshot() -> None:
    at = house()
    client, listener = at.enter()
    at.ask(client, listener, op="subscribe", resume={"ACME": [7, 1, 1]}, **ACME)
    assert finish(at) >= DEEP / PART
    assert is_right(at, listener)


def test_a_resync_waits_and_what_is_asked_behind_it_waits_too() -> None:
    at = house()
    client, listener = follow(at)
    at.feed(bids=[(price, 2) for price in range(1, DEEP)])
    at.gateway.service._deep._made.clear()  # type: ignore[union-attr]
    assert kinds(at.ask(client, listener, op="resync", instrument="ACME")) == [Reply]
    assert at.ask(client, listener, op="ping", id=2) == []
    go_on(at)
    at.feed(bids=[(99, 2)])
    finish(at)
    assert kinds(listener.messages) == [Delta, Snapshot, Delta, Reply]
    assert is_right(at, listener)


def test_who_lagged_beyond_the_history_waits_for_it_and_hears_no_delta_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.history.DELTA_PRICES_MAX", 3)
    monkeypatch.setattr("services.gateway.catch_up.WHOLE_ROWS_MAX", 5)
    at = house()
    client, listener = follow(at)
    listener.unsent = 201
    at.gateway.service.review(client.subscriber, at.now)
    at.feed(bids=[(price, 3) for price in range(1, 9)])
    listener.unsent = 0
    at.gateway.service.review(client.subscriber, at.now)
    go_on(at)
    at.feed(bids=[(60, 1)])
    assert listener.messages == []
    finish(at)
    assert isinstance(listener.messages[0], Snapshot)
    assert is_right(at, listener)
    assert not client.subscriber.is_lagging


def test_a_history_that_breaks_is_told_to_all_once_it_is_made_and_aborts_nobody() -> None:
    """Of 7 MB at once nobody's socket takes all: they are no more than what the client is owed."""
    at = house()
    followers = [follow(at, f"user-{number}", encoding) for number, encoding in enumerate(Encoding)]
    at.exchange.epoch += 1
    changes = at.gateway.market.load(*at.exchange.snapshots())
    at.gateway.heard(changes, at.now, at.time_us)
    at.gateway.service.flush_due(at.now)
    assert at.gateway.has_more
    while at.gateway.has_more:
        go_on(at)
        at.feed(bids=[(70, at.exchange.position)])
    at.gateway.service.flush_due(at.now)
    for client, listener in followers:
        assert isinstance(listener.messages[0], Snapshot)
        assert is_right(at, listener)
        assert listener.book().epoch == at.exchange.epoch
        assert client.subscriber.owed_bytes > len(listener.book().bids) * 3


def test_one_that_leaves_while_it_waits_is_forgotten() -> None:
    at = house()
    client, listener = at.enter()
    at.ask(client, listener, op="subscribe", **ACME)
    go_on(at)
    at.gateway.lost(client)
    finish(at)
    assert not listener.heard(Snapshot)
