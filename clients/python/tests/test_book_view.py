"""What verifies a book, what makes it stale, and what can be resumed."""

from __future__ import annotations

import pytest

from openoutcry.book_view import BookView, Finding
from openoutcry.events import StaleReason
from openoutcry.testing import Fault, ScriptedMarket


@pytest.fixture
def market() -> ScriptedMarket:
    market = ScriptedMarket()
    market.set(bids={100: 5})
    return market


@pytest.fixture
def view(market: ScriptedMarket) -> BookView:
    view = BookView("ACME")
    assert view.on_snapshot(market.snapshot()) is Finding.VERIFIED
    return view


def test_deltas_before_the_first_snapshot_are_nothing(market: ScriptedMarket) -> None:
    """An empty book at seq 0 would take the first delta for its own."""
    view = BookView("ACME")
    assert view.on_delta(ScriptedMarket().set(bids={1: 1})) is Finding.NOTHING
    assert view.position() is None
    assert view.is_stale


def test_a_verified_book_can_be_resumed(view: BookView, market: ScriptedMarket) -> None:
    assert view.position() == (market.book.epoch, 1, market.book.digest)


def test_a_book_with_a_gap_can_be_resumed_from_before_it(view: BookView, market: ScriptedMarket) -> None:
    market.set(bids={99: 1})
    assert view.on_delta(market.set(bids={98: 1})) is Finding.BROKEN
    assert view.position() is not None
    assert view.position()[1] == 1  # type: ignore[index]


def test_a_corrupt_book_cannot_be_resumed(view: BookView, market: ScriptedMarket) -> None:
    assert view.on_delta(*market.change(bids={99: 1}, fault=Fault.WRONG_LEVEL)) is Finding.BROKEN
    assert view.position() is None
    assert not view.lose(StaleReason.DISCONNECTED), "it stays corrupt, whatever happens to the connection"
    assert view.position() is None


def test_a_corrupt_book_is_not_confirmed_by_a_heartbeat(view: BookView, market: ScriptedMarket) -> None:
    """It stands where the server stands, and is wrong."""
    view.on_delta(*market.change(bids={99: 1}, fault=Fault.WRONG_LEVEL))
    assert view.on_heartbeat(view.book.seq) is Finding.NOTHING
    assert view.is_stale


def test_corruption_after_a_gap_is_corruption(view: BookView, market: ScriptedMarket) -> None:
    market.set(bids={99: 1})
    view.on_delta(market.set(bids={98: 1}))
    damaged = market.snapshot()._replace(digest=1)
    assert view.on_snapshot(damaged) is Finding.NOTHING, "a snapshot has been asked for already"
    assert view.stale_reason is StaleReason.CORRUPT


@pytest.mark.parametrize("reason", [StaleReason.DISCONNECTED, StaleReason.FEED])
def test_a_lost_book_is_confirmed_where_it_stands(view: BookView, reason: StaleReason) -> None:
    assert view.lose(reason)
    assert not view.needs_snapshot
    assert view.on_heartbeat(1) is Finding.VERIFIED
    assert view.recoveries == 1
    assert view.changes == 1


def test_a_lost_book_is_not_confirmed_elsewhere(view: BookView) -> None:
    view.lose(StaleReason.DISCONNECTED)
    assert view.on_heartbeat(0) is Finding.NOTHING
    assert view.is_stale
    assert view.on_heartbeat(2) is Finding.BROKEN


def test_a_repeated_delta_with_another_digest_confirms_nothing(view: BookView, market: ScriptedMarket) -> None:
    view.lose(StaleReason.DISCONNECTED)
    empty = market.resume(market.book.epoch, 1, market.book.digest)
    assert empty is not None
    assert view.on_delta(empty._replace(digest=1)) is Finding.NOTHING
    assert view.is_stale
    assert view.on_delta(empty) is Finding.VERIFIED
