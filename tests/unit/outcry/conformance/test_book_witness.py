"""A witness notices everything that a server could get wrong about a book."""

from __future__ import annotations

import pytest

from openoutcry.testing import Fault, ScriptedMarket
from openoutcry.wire import depth_book
from openoutcry.wire.digest import level_digest
from openoutcry.wire.messages import Delta, Snapshot
from outcry.conformance.book_witness import BookWitness
from outcry.conformance.expectation import Failed


def market() -> ScriptedMarket:
    market = ScriptedMarket()
    market.set(bids={100: 5, 99: 4}, asks={102: 7})
    return market


def followed(market: ScriptedMarket) -> BookWitness:
    witness = BookWitness("ACME")
    witness.hear(market.snapshot())
    return witness


def hear_all(witness: BookWitness, deltas: list[Delta]) -> None:
    for delta in deltas:
        witness.hear(delta)


def test_a_right_telling_is_followed() -> None:
    told = market()
    witness = followed(told)
    for delta in [*told.change(bids={101: 1}), *told.change(asks={102: 0}), *told.change(bids={7: 0})]:
        witness.hear(delta)
    assert witness.levels() == ([(101, 1), (100, 5), (99, 4)], [])
    assert witness.position == (told.book.epoch, told.book.seq, told.book.digest)


def test_a_repetition_is_normal() -> None:
    """Rule 2 of the client's rule; a server may send what is known already."""
    told = market()
    witness = followed(told)
    for delta in told.change(bids={101: 1}, fault=Fault.TWICE):
        witness.hear(delta)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (Fault.LOST, "gap"),
        (Fault.SWAPPED, "gap"),
        (Fault.WRONG_DIGEST, "digest"),
        (Fault.WRONG_LEVEL, "digest"),
    ],
)
def test_a_wrong_telling_fails(fault: Fault, complaint: str) -> None:
    """Whatever goes wrong with one change is seen by the next one at the latest."""
    told = market()
    witness = followed(told)
    deltas = [*told.change(bids={101: 1}, fault=fault), *told.change(bids={98: 3})]
    with pytest.raises(Failed, match=complaint):
        hear_all(witness, deltas)


def test_a_delta_before_the_snapshot_fails() -> None:
    told = market()
    with pytest.raises(Failed, match="before any snapshot"):
        BookWitness("ACME").hear(told.change(bids={101: 1})[0])


def test_a_range_that_runs_backwards_fails() -> None:
    told = market()
    witness = followed(told)
    [delta] = told.change(bids={101: 1})
    with pytest.raises(Failed, match="backwards"):
        witness.hear(delta._replace(prev_seq=delta.seq + 1))


def test_the_empty_delta_of_a_resume_must_confirm_the_book() -> None:
    told = market()
    witness = followed(told)
    [delta] = told.change()
    empty = delta._replace(prev_seq=1, seq=1, digest=witness.book.digest)
    witness.hear(empty)
    with pytest.raises(Failed, match="digest"):
        witness.hear(empty._replace(digest=1))


def test_a_window_that_is_too_wide_fails() -> None:
    """A level that leaves must be removed by the server; a client never truncates."""
    told = ScriptedMarket()
    told.set(bids=dict.fromkeys(range(95, 100), 1))
    witness = BookWitness("ACME", depth=5)
    witness.hear(told.snapshot(5))
    [delta] = told.change(bids={101: 1})
    window = told.snapshot(5)
    with pytest.raises(Failed, match=r"digest|holds 6"):
        witness.hear(delta._replace(depth=5, digest=window.digest))


def without_side(_side: int, price: int, quantity: int) -> int:
    return level_digest(0, price, quantity)


class KeepsWhatIsRemoved(depth_book.DepthSide):
    """A book's side that a 0 does not remove from."""

    __slots__ = ()

    def set(self, price: int, quantity: int) -> None:
        super().set(price, quantity or self.quantities.get(price, 0))


@pytest.mark.parametrize(
    ("name", "fault"), [("level_digest", without_side), ("DepthSide", KeepsWhatIsRemoved)], ids=["digest", "book"]
)
def test_a_fault_in_the_exchange_s_own_book_or_digest_is_seen(
    monkeypatch: pytest.MonkeyPatch, name: str, fault: object
) -> None:
    """The witness had these from the same place as the exchange, and a fault there was right on both sides."""
    monkeypatch.setattr(depth_book, name, fault)
    told = market()
    with pytest.raises(Failed, match="digest"):
        hear_all(followed(told), [*told.change(asks={102: 0}), *told.change(bids={98: 3})])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"bids": [[99, 4, 1], [100, 5, 1]]}, "best first"),
        ({"bids": [[100, 5]]}, "not \\[price, quantity, orders\\]"),
        ({"bids": [[100, 0, 1]]}, "above 0"),
        ({"depth": 5}, "depth"),
        ({"instrument": "OTHER"}, "instrument"),
        ({"digest": 1}, "digest"),
    ],
)
def test_a_malformed_snapshot_fails(changes: dict[str, object], complaint: str) -> None:
    snapshot: Snapshot = market().snapshot()._replace(**changes)
    with pytest.raises(Failed, match=complaint):
        BookWitness("ACME").hear(snapshot)
