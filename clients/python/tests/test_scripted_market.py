"""The scripted market tells the truth unless it is told not to."""

from __future__ import annotations

import pytest

from openoutcry.testing import Fault, ScriptedMarket
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.sequence import Verdict


@pytest.fixture
def market() -> ScriptedMarket:
    market = ScriptedMarket()
    market.set(bids={100: 5}, asks={101: 7})
    return market


@pytest.fixture
def replica(market: ScriptedMarket) -> DepthBook:
    book = DepthBook("ACME")
    assert book.load(market.snapshot()) is Verdict.APPLY
    return book


def verdicts(replica: DepthBook, market: ScriptedMarket, fault: Fault) -> list[Verdict]:
    deltas = market.change(bids={100: 6}, fault=fault) + market.change(asks={102: 1})
    return [replica.apply(delta) for delta in deltas]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.NONE, [Verdict.APPLY, Verdict.APPLY]),
        (Fault.LOST, [Verdict.GAP]),
        (Fault.TWICE, [Verdict.APPLY, Verdict.DUPLICATE, Verdict.APPLY]),
        (Fault.SWAPPED, [Verdict.GAP, Verdict.APPLY]),
        (Fault.WRONG_DIGEST, [Verdict.CORRUPT, Verdict.APPLY]),
        (Fault.WRONG_LEVEL, [Verdict.CORRUPT, Verdict.CORRUPT]),
    ],
)
def test_each_fault_is_what_it_says(
    replica: DepthBook, market: ScriptedMarket, fault: Fault, expected: list[Verdict]
) -> None:
    assert verdicts(replica, market, fault) == expected


def test_a_resume_is_everything_since(replica: DepthBook, market: ScriptedMarket) -> None:
    for price in range(10, 20):
        market.set(bids={price: 1, 100: price})
    delta = market.resume(replica.epoch, replica.seq, replica.digest)
    assert delta is not None
    assert replica.apply(delta) is Verdict.APPLY
    assert replica.digest == market.book.digest


@pytest.mark.parametrize("change", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_another_history_is_not_resumed(market: ScriptedMarket, change: tuple[int, int, int]) -> None:
    book = market.book
    assert market.resume(book.epoch + change[0], book.seq + change[1], book.digest + change[2]) is None


def test_a_window_digests_its_levels(market: ScriptedMarket) -> None:
    market.set(bids={99: 1, 98: 1})
    window = DepthBook("ACME", 1)
    assert window.load(market.snapshot(1)) is Verdict.APPLY
    assert window.bids.levels() == [(100, 5)]
