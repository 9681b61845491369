"""What makes a run with faults bad."""

from __future__ import annotations

import signal

import pytest

from outcry.chaos.judgement import FENCED, STORE_UNAVAILABLE, Judgement, strange_endings
from outcry.chaos.order_verdict import OrderVerdict
from outcry.chaos.recoveries import Happened, RecoveryTimes
from outcry.load.verdict import BookVerdict

BOOKS = BookVerdict(10, 0, [])
ORDERS = OrderVerdict(5, 0, 0, 0, 0, 0, 0, [])
RECOVERED = Happened(1.0, "kill leader", "kill leader for 1.0 s", RecoveryTimes(100.0, 200.0))


def test_a_market_that_recovered_with_everything_right_is_good() -> None:
    judgement = Judgement(BOOKS, ORDERS, 1)
    assert judgement.is_good
    assert judgement.complaints([RECOVERED], [("gateway-1", -signal.SIGKILL)], 0) == []


@pytest.mark.parametrize(
    ("books", "orders"),
    [
        (BookVerdict(9, 1, ["ann ACME: wrong"]), ORDERS),
        (BookVerdict(0, 0, []), ORDERS),
        (BOOKS, ORDERS._replace(acknowledged=0)),
        (BOOKS, ORDERS._replace(lost=1)),
        (BOOKS, ORDERS._replace(duplicated=1)),
        (BOOKS, ORDERS._replace(contradicted=1)),
        (BOOKS, ORDERS._replace(findings=1)),
    ],
)
def test_a_wrong_book_or_order_or_none_at_all_is_not_good(books: BookVerdict, orders: OrderVerdict) -> None:
    assert not Judgement(books, orders, 1).is_good


def test_what_was_announced_as_lost_and_what_nobody_knows_yet_is_no_fault() -> None:
    assert Judgement(BOOKS, ORDERS._replace(announced_lost=3, unresolved=2), 2).is_good


def test_every_reason_is_among_the_complaints() -> None:
    lost = Happened(2.0, "freeze redis", "freeze redis for 2.0 s", RecoveryTimes(100.0, None))
    judgement = Judgement(BookVerdict(9, 1, ["a book"]), ORDERS._replace(complaints=["an order"]), 1)
    assert judgement.complaints([RECOVERED, lost], [("gateway-1", 1)], 7) == [
        "a book",
        "an order",
        "gateway-1 ended with status 1",
        "the market did not recover from: freeze redis for 2.0 s",
        "7 digests were wrong on the way",
    ]


@pytest.mark.parametrize("status", [-signal.SIGKILL, FENCED, STORE_UNAVAILABLE])
def test_an_end_that_faults_bring_is_not_strange(status: int) -> None:
    assert strange_endings([("matching-1", status)]) == []


@pytest.mark.parametrize("ending", [("matching-1", 0), ("gateway-1", 1), ("matching-1", -signal.SIGSEGV), ("redis", 1)])
def test_any_other_is(ending: tuple[str, int]) -> None:
    assert strange_endings([("redis", 0), ending]) == [f"{ending[0]} ended with status {ending[1]}"]
