"""The comparison that the demo ends with: what it must not let pass."""

from __future__ import annotations

import pytest

from outcry.load.book_position import FinalBook
from outcry.load.plan import UserPlan
from outcry.load.verdict import COMPLAINTS_MAX, EngineBook, judge

ENGINE = {"ACME": EngineBook(epoch=99, seq=10, digest=0xABC)}
PLAN = UserPlan(number=0, name="ann", gateway=0, instruments=("ACME",), verifies=True)
RIGHT = FinalBook("ann", "ACME", 99, 10, 0xABC, 0xABC, 99, 10, 0xABC)


def test_a_book_at_the_engines_place_with_its_digest_is_right() -> None:
    verdict = judge([PLAN], [RIGHT], ENGINE)
    assert (verdict.books_verified, verdict.books_wrong, verdict.is_good) == (1, 0, True)


def test_a_user_who_does_not_keep_levels_can_be_right() -> None:
    assert judge([PLAN], [RIGHT._replace(replica_digest=None)], ENGINE).is_good


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        (RIGHT._replace(seq=9), "stood at epoch 99 seq 9, the engine at epoch 99 seq 10"),
        (RIGHT._replace(epoch=98), "stood at epoch 98"),
        (RIGHT._replace(digest=1), "was sent digest 00000001, the engine's is 00000abc"),
        (RIGHT._replace(replica_digest=1), "holds levels of digest 00000001"),
        (RIGHT._replace(asked_digest=1), "was given a snapshot of digest 00000001"),
        (RIGHT._replace(asked_seq=11), "at seq 11 on asking"),
        (RIGHT._replace(asked_epoch=1), "on asking"),
    ],
)
def test_any_difference_is_wrong(told: FinalBook, complaint: str) -> None:
    verdict = judge([PLAN], [told], ENGINE)
    assert (verdict.books_verified, verdict.books_wrong, verdict.is_good) == (0, 1, False)
    assert complaint in verdict.complaints[0]


def test_a_user_who_says_nothing_is_wrong() -> None:
    """Whoever lost his connection must not drop out of the count."""
    verdict = judge([PLAN], [], ENGINE)
    assert verdict.books_wrong == 1
    assert "reported nothing" in verdict.complaints[0]


def test_a_book_that_the_engine_does_not_know_is_wrong() -> None:
    assert judge([PLAN], [RIGHT], {}).books_wrong == 1


WINDOW = RIGHT._replace(depth=5, digest=0x5, replica_digest=0x5, asked_digest=0x5)
WITH_WINDOW = {"ACME": ENGINE["ACME"]._replace(windows={5: 0x5})}


@pytest.mark.parametrize(
    ("told", "is_right"),
    [
        (WINDOW, True),
        (WINDOW._replace(seq=9), True),
        (WINDOW._replace(seq=11), False),
        (WINDOW._replace(digest=0xABC), False),
        (WINDOW._replace(asked_digest=0xABC), False),
        (WINDOW._replace(replica_digest=0xABC), False),
        (WINDOW._replace(epoch=98), False),
    ],
)
def test_a_window_may_stand_earlier_with_the_digest_of_the_best_levels(told: FinalBook, is_right: bool) -> None:
    """Changes beyond a window are not sent; a window of the whole book's digest is the wrong one."""
    assert judge([PLAN], [told], WITH_WINDOW).is_good is is_right


def test_a_user_who_does_not_read_is_asked_for_nothing() -> None:
    verdict = judge([PLAN._replace(name="bob", is_slow=True), PLAN], [RIGHT], ENGINE)
    assert (verdict.books_verified, verdict.books_wrong) == (1, 0)


def test_every_book_of_a_user_is_expected() -> None:
    plan = PLAN._replace(instruments=("ACME", "OTHER"))
    both = {"ACME": ENGINE["ACME"], "OTHER": ENGINE["ACME"]}
    verdict = judge([plan], [RIGHT], both)
    assert (verdict.books_verified, verdict.books_wrong) == (1, 1)
    assert verdict.complaints == ["ann OTHER: the user reported nothing of it"]


def test_no_books_are_no_proof() -> None:
    assert not judge([], [], ENGINE).is_good


def test_complaints_are_few_enough_to_read() -> None:
    plans = [PLAN._replace(name=f"user-{number}") for number in range(100)]
    verdict = judge(plans, [], ENGINE)
    assert verdict.books_wrong == 100
    assert len(verdict.complaints) == COMPLAINTS_MAX
