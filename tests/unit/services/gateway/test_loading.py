"""Stored snapshots, read in steps: the same books, and no step that makes others wait."""

from __future__ import annotations

import pytest

from openoutcry.wire.messages import Account
from services.gateway import loading
from services.gateway.history import DELTA_PRICES_MAX
from services.gateway.loading import LEVELS_A_STEP, ReplicaBroken, Steps, T, finish, free, loaded_book, read_book
from services.gateway.replica import Changes, MarketReplica
from shared.logs.snapshots import BookState, encode_book_state
from tests.unit.services.gateway.exchange import Exchange

LEVELS = 3 * LEVELS_A_STEP + 5


def sizes_of(steps: Steps[T]) -> tuple[list[int], T]:
    """Do all steps; how large each was, and the result."""
    sizes = []
    while True:
        try:
            sizes.append(next(steps))
        except StopIteration as end:
            return sizes, end.value


def exchange(levels: int = LEVELS) -> Exchange:
    made = Exchange("ACME")
    made.packet(bids=[(price, 1 + price % 7) for price in range(1, levels)])
    made.packet(asks=[(price, 1 + price % 5) for price in range(levels, 2 * levels)])
    return made


def state_of(made: Exchange) -> BookState:
    return made.states()[0]


@pytest.mark.parametrize("small_bytes", [0, 1 << 30])
def test_a_book_is_read_as_it_was_written(monkeypatch: pytest.MonkeyPatch, small_bytes: int) -> None:
    monkeypatch.setattr(loading, "SMALL_BYTES", small_bytes)
    state = state_of(exchange())
    sizes, found = sizes_of(read_book(encode_book_state(state), 5))
    whole = loaded_book(state, 5)
    found.book.check_invariants()
    for side in ("bids", "asks"):
        assert getattr(found.book, side).levels() == getattr(whole.book, side).levels()
    assert found[2:] == whole[2:]
    assert (found.book.epoch, found.book.seq, found.book.time) == (state.epoch, state.seq, 5)
    assert small_bytes or max(sizes) <= LEVELS_A_STEP < sum(sizes)


def test_levels_in_another_order_are_the_same_book(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine writes them so; the digest does not tell."""
    monkeypatch.setattr(loading, "SMALL_BYTES", 0)
    state = state_of(exchange(30))
    mixed = state._replace(bids=state.bids[::-1], asks=[*state.asks[5:], *state.asks[:5]])
    found = finish(read_book(encode_book_state(mixed), 5))
    found.book.check_invariants()
    assert found.book.asks.levels() == loaded_book(state, 5).book.asks.levels()


@pytest.mark.parametrize("small_bytes", [0, 1 << 30])
def test_another_digest_breaks_it(monkeypatch: pytest.MonkeyPatch, small_bytes: int) -> None:
    monkeypatch.setattr(loading, "SMALL_BYTES", small_bytes)
    state = state_of(exchange(30))
    with pytest.raises(ReplicaBroken):
        finish(read_book(encode_book_state(state._replace(digest=state.digest ^ 1)), 5))


def test_a_market_is_loaded_in_steps_and_nothing_is_taken_before_the_last() -> None:
    """Of a resynchronisation, 300,000 levels took more than a second in one turn."""
    made, market = exchange(), MarketReplica()
    market.load(*made.snapshots())
    made.packet(bids=[(price, 9) for price in range(1, 100)])
    cover, listing, states, _, time_us = made.snapshots()
    accounts = {f"user-{n}": Account(0, [], {}, {}) for n in range(50)}
    steps = market.loading(cover, listing, [loaded_book(state, time_us) for state in states], accounts)
    held = market.instruments["ACME"].book
    for size in steps:
        assert size <= LEVELS_A_STEP
        assert market.instruments["ACME"].book is held
        assert held.seq == 2
        assert not market.accounts
    assert market.instruments["ACME"].book.digest == made.books["ACME"].digest
    assert set(market.accounts) == set(accounts)
    delta = market.instruments["ACME"].delta_since(2)
    assert delta is not None
    assert sorted(delta.bids) == [(price, 9) for price in range(1, 100)]


def test_a_difference_that_no_delta_names_is_forgotten() -> None:
    """To remember 300,000 prices took 50 ms, and they could never be sent as one delta."""
    made, market = exchange(10), MarketReplica()
    market.load(*made.snapshots())
    made.packet(bids=[(price, 1) for price in range(1, DELTA_PRICES_MAX + 20)])
    changes = market.load(*made.snapshots())
    history = market.instruments["ACME"].history
    assert "ACME" in changes.books
    assert history.floor == made.books["ACME"].seq
    assert history.holds(history.floor, made.books["ACME"].digest)
    assert market.instruments["ACME"].delta_since(2) is None
    changes = Changes()
    market.apply(*made.packet(bids=[(5, 3)]), changes)
    assert market.instruments["ACME"].delta_since(history.floor) is not None


def test_a_replaced_deep_book_is_freed_in_steps() -> None:
    """Dropped at once, 300,000 levels take 20 ms."""
    made, market = exchange(), MarketReplica()
    market.load(*made.snapshots())
    assert market.take_replaced() == []
    made.packet(bids=[(1, 9)])
    market.load(*made.snapshots())
    ((book, bid_orders, ask_orders),) = market.take_replaced()
    assert book is not market.instruments["ACME"].book
    assert max(free(book, bid_orders, ask_orders)) <= LEVELS_A_STEP
    assert not any((book.bids.quantities, book.asks.quantities, bid_orders, ask_orders))
    assert not book.bids.prices()
    assert market.take_replaced() == []


def test_a_book_of_which_a_snapshot_is_being_made_is_not_taken_apart() -> None:
    made, market = exchange(), MarketReplica()
    market.load(*made.snapshots())
    market.instruments["ACME"].making = object()  # type: ignore[assignment]
    made.packet(bids=[(1, 9)])
    market.load(*made.snapshots())
    assert market.take_replaced() == []
