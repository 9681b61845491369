"""Do all users hold the same books? What can be proven of an exchange whose own books cannot be read.

A market that moves shows each user another moment, so books are compared by position. Users at the same (instrument,
depth, epoch, seq) must have the same digest, whatever their gateway, whether they received it, hold it as levels, or
got it as a snapshot. A snapshot's digest is computed from its levels here. So two users who agree are shown to agree on
levels wherever one of them holds or was given them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from outcry.load.book_position import FinalBook
from outcry.load.plan import UserPlan
from outcry.load.verdict import COMPLAINTS_MAX, BookVerdict


class Place(NamedTuple):
    """One moment of one book."""

    instrument: str
    depth: int
    epoch: int
    seq: int


def agree(plans: Sequence[UserPlan], told: Iterable[FinalBook]) -> BookVerdict:
    """
    Compare the users' books with each other.

    A book is verified if its user reported it, and its digests are those of everybody who stood where it did.

    Args:
        plans: The books that each user follows. Each that its user is to prove is expected.
        told: The users' reports, in any order.
    """
    by_book = {(book.user, book.instrument): book for book in told}
    digests: dict[Place, Counter[int]] = defaultdict(Counter)
    for book in by_book.values():
        for place, digest in _testimony(book):
            digests[place][digest] += 1
    verified, complaints = 0, []
    for plan in plans:
        for instrument in () if plan.is_slow else plan.proven:
            complaint = _complaint(by_book.get((plan.name, instrument)), digests)
            if complaint:
                complaints.append(f"{plan.name} {instrument}: {complaint}")
            else:
                verified += 1
    return BookVerdict(verified, len(complaints), complaints[:COMPLAINTS_MAX])


def _testimony(book: FinalBook) -> Iterator[tuple[Place, int]]:
    """Yield what a user says of which moments."""
    held = Place(book.instrument, book.depth, book.epoch, book.seq)
    yield held, book.digest
    if book.replica_digest is not None:
        yield held, book.replica_digest
    yield Place(book.instrument, book.depth, book.asked_epoch, book.asked_seq), book.asked_digest


def _complaint(book: FinalBook | None, digests: dict[Place, Counter[int]]) -> str:
    if book is None:
        return "the user reported nothing of it"
    for place, digest in _testimony(book):
        others = [other for other, _ in digests[place].most_common() if other != digest]
        if others:
            return f"digest {digest:08x} at epoch {place.epoch} seq {place.seq}, where others have {others[0]:08x}"
    return ""
