"""The replica: any snapshot and any later deltas, however merged, repeated and overlapping, are the whole replay.

The model is a dict of quantities a side, changed as naively as possible; the digest is computed from nothing each time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from hypothesis import assume, given
from hypothesis import strategies as st

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import BID, MASK, mix
from openoutcry.wire.messages import Delta, Snapshot
from openoutcry.wire.sequence import Verdict

EPOCH = 7
WINDOWS = (0, 1, 5, 10)

Side = dict[int, int]


class State(NamedTuple):
    """The model: a book after `seq` changes."""

    bids: Side
    asks: Side


changes = st.lists(
    st.tuples(st.integers(0, 1), st.integers(1, 25), st.integers(0, 4)),
    min_size=1,
    max_size=4,
)
"""One command's changes: (side, price, new quantity)."""
histories = st.lists(changes, min_size=1, max_size=40)


def replay(history: list[list[tuple[int, int, int]]]) -> list[State]:
    """The state after 0, 1, 2, … commands."""
    states = [State({}, {})]
    for commands in history:
        state = State(dict(states[-1].bids), dict(states[-1].asks))
        for side, price, quantity in commands:
            levels = state.bids if side == BID else state.asks
            levels[price] = quantity
            if not quantity:
                del levels[price]
        states.append(state)
    return states


def window(state: State, depth: int) -> State:
    bids = sorted(state.bids.items(), reverse=True)
    asks = sorted(state.asks.items())
    return State(dict(bids[:depth] if depth else bids), dict(asks[:depth] if depth else asks))


def naive_digest(state: State) -> int:
    """The definition in docs/protocol.md, word by word."""
    levels = [(0, *level) for level in state.bids.items()] + [(1, *level) for level in state.asks.items()]
    return sum(mix(mix(price ^ (side << 31)) ^ quantity) for side, price, quantity in levels) & MASK


def snapshot(state: State, seq: int, depth: int) -> Snapshot:
    seen = window(state, depth)
    bids = [(price, quantity, 1) for price, quantity in sorted(seen.bids.items(), reverse=True)]
    asks = [(price, quantity, 1) for price, quantity in sorted(seen.asks.items())]
    return Snapshot("ACME", EPOCH, seq, 0, depth, bids, asks, naive_digest(seen))


def delta(states: list[State], prev_seq: int, seq: int, depth: int) -> Delta:
    """All that a window saw change in (prev_seq, seq]: what left it is removed, though it may be in the book still."""
    seen = [window(state, depth) for state in states[prev_seq : seq + 1]]
    bids = merged([state.bids for state in seen])
    asks = merged([state.asks for state in seen])
    return Delta("ACME", prev_seq, seq, 0, depth, bids, asks, naive_digest(seen[-1]))


def merged(sides: list[Side]) -> list[tuple[int, int]]:
    """Last quantity per price of the changes from each state to the next."""
    last: Side = {}
    for older, newer in pairwise(sides):
        for price in older.keys() | newer.keys():
            if older.get(price) != newer.get(price):
                last[price] = newer.get(price, 0)
    return list(last.items())


def holds(book: DepthBook, state: State) -> bool:
    seen = window(state, book.depth)
    return (
        (book.bids.quantities, book.asks.quantities) == seen
        and book.bids.prices() == sorted(seen.bids, reverse=True)
        and book.asks.prices() == sorted(seen.asks)
        and book.digest == naive_digest(seen)
    )


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[State], int, int, list[tuple[int, int]]]:
    """A history, a snapshot's place in it, and ranges that leave no hole: overlapping, repeated, straddling."""
    states = replay(draw(histories))
    newest = len(states) - 1
    start = draw(st.integers(0, newest))
    ranges: list[tuple[int, int]] = []
    reached = start
    while reached < newest:
        prev_seq = draw(st.integers(0, reached))
        seq = draw(st.integers(prev_seq + 1, newest))
        ranges.append((prev_seq, seq))
        reached = max(reached, seq)
    return states, draw(st.sampled_from(WINDOWS)), start, ranges


@given(streams())
def test_snapshot_and_any_merged_deltas_are_the_full_replay(
    stream: tuple[list[State], int, int, list[tuple[int, int]]],
) -> None:
    """The promise of the protocol: joins, resumes, slow intervals and busy gateways all rest on this."""
    states, depth, start, ranges = stream
    book = DepthBook("ACME", depth)
    assert book.load(snapshot(states[start], start, depth)) is Verdict.APPLY
    for prev_seq, seq in ranges:
        before = book.seq
        verdict = book.apply(delta(states, prev_seq, seq, depth))
        assert verdict is (Verdict.APPLY if seq > before else Verdict.DUPLICATE)
        assert book.seq == max(before, seq)
        assert holds(book, states[book.seq])
    book.check_invariants()
    assert holds(book, states[-1])


@given(streams(), st.data())
def test_a_missing_range_is_a_gap_and_changes_nothing(
    stream: tuple[list[State], int, int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    states, depth, start, _ = stream
    newest = len(states) - 1
    assume(start + 2 <= newest)
    prev_seq = data.draw(st.integers(start + 1, newest - 1))
    book = DepthBook("ACME", depth)
    book.load(snapshot(states[start], start, depth))
    later = delta(states, prev_seq, data.draw(st.integers(prev_seq + 1, newest)), depth)
    assert book.apply(later) is Verdict.GAP
    assert book.seq == start
    assert holds(book, states[start])


@given(histories, st.sampled_from(WINDOWS), st.integers(0, 1), st.integers(1, 25), st.integers(1, 9))
def test_one_wrong_level_is_corruption(
    history: list[list[tuple[int, int, int]]], depth: int, side: int, price: int, quantity: int
) -> None:
    """A replica that differs in one level cannot vouch for the book after any later delta."""
    states = replay(history)
    newest = len(states) - 1
    book = DepthBook("ACME", depth)
    book.load(snapshot(states[newest - 1], newest - 1, depth))
    change = delta(states, newest - 1, newest, depth)
    held, named = (book.bids, change.bids) if side == BID else (book.asks, change.asks)
    assume(held.quantities.get(price) != quantity and price not in dict(named))
    held.set(price, quantity)
    assert book.apply(change) is Verdict.CORRUPT


@given(histories, st.sampled_from(WINDOWS), st.integers(1, MASK))
def test_a_wrong_digest_is_corruption(history: list[list[tuple[int, int, int]]], depth: int, flip: int) -> None:
    states = replay(history)
    newest = len(states) - 1
    whole = snapshot(states[newest], newest, depth)
    book = DepthBook("ACME", depth)
    assert book.load(whole._replace(digest=whole.digest ^ flip)) is Verdict.CORRUPT
    book.load(snapshot(states[newest - 1], newest - 1, depth))
    change = delta(states, newest - 1, newest, depth)
    assert book.apply(change._replace(digest=change.digest ^ flip)) is Verdict.CORRUPT


@given(histories, histories)
def test_a_side_s_difference_makes_it_the_other(
    history: list[list[tuple[int, int, int]]], other: list[list[tuple[int, int, int]]]
) -> None:
    """Conflation of windows, and resumes, send the difference of two sides."""
    book, target = DepthBook("ACME"), DepthBook("ACME")
    book.load(snapshot(replay(history)[-1], 1, 0))
    target.load(snapshot(replay(other)[-1], 1, 0))
    for price, quantity in list(book.bids.difference(target.bids)):
        book.bids.set(price, quantity)
    assert book.bids.levels() == target.bids.levels()
    assert book.bids.digest == target.bids.digest


@given(histories, st.sampled_from(WINDOWS))
def test_the_window_s_digest_is_that_of_its_levels(history: list[list[tuple[int, int, int]]], depth: int) -> None:
    state = replay(history)[-1]
    book = DepthBook("ACME")
    book.load(snapshot(state, 1, 0))
    assert book.window_digest(depth) == naive_digest(window(state, depth))
    assert book.bids.best() == max(state.bids, default=0)
    assert book.asks.best() == min(state.asks, default=0)
