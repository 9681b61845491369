"""What can be proven of an exchange whose own books cannot be read."""

from __future__ import annotations

from outcry.load.agreement import agree
from outcry.load.book_position import FinalBook
from outcry.load.plan import UserPlan

PLANS = [UserPlan(number, name, number, ("ACME",), verifies=False) for number, name in enumerate(("ann", "bob"))]
ANN = FinalBook("ann", "ACME", 99, 10, 0xA, 0xA, 99, 11, 0xB)
BOB = FinalBook("bob", "ACME", 99, 11, 0xB, None, 99, 12, 0xC)


def test_books_of_different_moments_are_no_contradiction() -> None:
    verdict = agree(PLANS, [ANN, BOB])
    assert (verdict.books_verified, verdict.books_wrong) == (2, 0)


def test_two_digests_of_one_moment_are_wrong_for_both() -> None:
    """Ann was given levels of seq 11 that are not those that Bob stood at: one of their gateways is wrong."""
    verdict = agree(PLANS, [ANN._replace(asked_digest=0xBB), BOB])
    assert (verdict.books_verified, verdict.books_wrong) == (0, 2)
    assert "digest 000000bb at epoch 99 seq 11, where others have 0000000b" in verdict.complaints[0]


def test_a_users_own_levels_must_have_the_digest_that_it_was_told() -> None:
    assert agree(PLANS[:1], [ANN._replace(replica_digest=0xAA)]).books_wrong == 1


def test_another_epoch_and_another_depth_are_other_books() -> None:
    other = BOB._replace(seq=10, digest=0xF, asked_seq=12)
    assert agree(PLANS, [ANN, other._replace(epoch=98)]).books_wrong == 0
    assert agree(PLANS, [ANN, other._replace(depth=5)]).books_wrong == 0
    assert agree(PLANS, [ANN, other]).books_wrong == 2


def test_who_tells_nothing_is_wrong() -> None:
    verdict = agree(PLANS, [ANN])
    assert (verdict.books_wrong, verdict.complaints) == (1, ["bob ACME: the user reported nothing of it"])


def test_users_who_do_not_read_are_not_asked() -> None:
    assert agree([PLANS[0], PLANS[1]._replace(is_slow=True)], [ANN]).books_wrong == 0
