"""Is every user's book the engine's? The comparison that the demo ends with.

A book is right if the user stood at the engine's (epoch, seq) with the engine's digest before anything was asked,
and the snapshot that was asked for then has levels of the same digest at the same (epoch, seq). A verifying user's own
levels must have it too. A book that nobody told of is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from openoutcry.load.book_position import FinalBook
from openoutcry.load.plan import UserPlan

COMPLAINTS_MAX: Final = 10


class EngineBook(NamedTuple):
    """The engine's own last word on a book."""

    epoch: int
    seq: int
    digest: int
    """Computed from the levels of its snapshot."""


class Verdict(NamedTuple):
    """What came of the comparison."""

    books_verified: int
    books_wrong: int
    complaints: Sequence[str]
    """What is wrong with the first few."""

    @property
    def is_good(self) -> bool:
        """Whether there were books, and none was wrong."""
        return self.books_verified > 0 and self.books_wrong == 0


def judge(plans: Sequence[UserPlan], told: Iterable[FinalBook], engine: Mapping[str, EngineBook]) -> Verdict:
    """
    Compare what every user told with the engine.

    Args:
        plans: Who follows what: every one of these books is expected.
        told: What the users said, in any order.
        engine: Its books by instrument.
    """
    by_book = {(book.user, book.instrument): book for book in told}
    verified = 0
    complaints: list[str] = []
    for plan in plans:
        for instrument in plan.instruments:
            complaint = _complaint(by_book.get((plan.name, instrument)), engine.get(instrument))
            if complaint:
                complaints.append(f"{plan.name} {instrument}: {complaint}")
            else:
                verified += 1
    return Verdict(verified, len(complaints), complaints[:COMPLAINTS_MAX])


def _complaint(told: FinalBook | None, engine: EngineBook | None) -> str:  # noqa: PLR0911 - one decision ladder
    if engine is None:
        return "the engine has no snapshot of it"
    if told is None:
        return "the user did not tell of it"
    if (told.epoch, told.seq) != (engine.epoch, engine.seq):
        return f"stood at epoch {told.epoch} seq {told.seq}, the engine at epoch {engine.epoch} seq {engine.seq}"
    if told.digest != engine.digest:
        return f"was told digest {told.digest:08x}, the engine's is {engine.digest:08x}"
    if told.replica_digest not in (None, engine.digest):
        return f"holds levels of digest {told.replica_digest:08x}, the engine's is {engine.digest:08x}"
    if (told.asked_epoch, told.asked_seq, told.asked_digest) != engine:
        return f"was given a snapshot of digest {told.asked_digest:08x} at seq {told.asked_seq} on asking"
    return ""
