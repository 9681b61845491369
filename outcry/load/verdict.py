"""Is every user's book the engine's? The comparison that a run ends with, where the engine's books can be read.

A book is right if two things hold. The user was at the engine's (epoch, seq) with the engine's digest before anything
was asked. And the snapshot that was then asked for has levels of the same digest at the same (epoch, seq). A verifying
user's own levels must have it too. A window may stand at an earlier seq, since changes beyond it are not sent; its
digest must be that of the engine's best levels. A book that was never sent is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from outcry.load.book_position import FinalBook
from outcry.load.plan import UserPlan

COMPLAINTS_MAX: Final = 10


class EngineBook(NamedTuple):
    """The engine's own last word on a book."""

    epoch: int
    seq: int
    digest: int
    """Computed from the levels of its snapshot."""
    windows: Mapping[int, int] = {}
    """Depth to the digest of so many best levels a side."""

    def digest_of(self, depth: int) -> int:
        """Return the digest of so many levels a side; 0 is all."""
        return self.windows[depth] if depth else self.digest


class BookVerdict(NamedTuple):
    """What came of the comparison."""

    books_verified: int
    books_wrong: int
    complaints: Sequence[str]
    """What is wrong with the first few."""

    @property
    def is_good(self) -> bool:
        """Whether there were books, and none was wrong."""
        return self.books_verified > 0 and self.books_wrong == 0


def judge(plans: Sequence[UserPlan], told: Iterable[FinalBook], engine: Mapping[str, EngineBook]) -> BookVerdict:
    """
    Compare every user's report with the engine.

    Args:
        plans: The books that each user follows. Each is expected, if its user reads and is to prove it.
        told: The users' reports, in any order.
        engine: Its books by instrument.
    """
    by_book = {(book.user, book.instrument): book for book in told}
    verified = 0
    complaints: list[str] = []
    for plan in plans:
        for instrument in () if plan.is_slow else plan.proven:
            complaint = _complaint(by_book.get((plan.name, instrument)), engine.get(instrument))
            if complaint:
                complaints.append(f"{plan.name} {instrument}: {complaint}")
            else:
                verified += 1
    return BookVerdict(verified, len(complaints), complaints[:COMPLAINTS_MAX])


def _complaint(told: FinalBook | None, engine: EngineBook | None) -> str:  # noqa: PLR0911 - one decision ladder
    if engine is None:
        return "the engine has no snapshot of it"
    if told is None:
        return "the user reported nothing of it"
    digest = engine.digest_of(told.depth)
    is_elsewhere = told.seq > engine.seq if told.depth else told.seq != engine.seq
    if told.epoch != engine.epoch or is_elsewhere:
        return f"stood at epoch {told.epoch} seq {told.seq}, the engine at epoch {engine.epoch} seq {engine.seq}"
    if told.digest != digest:
        return f"was sent digest {told.digest:08x}, the engine's is {digest:08x}"
    if told.replica_digest not in (None, digest):
        return f"holds levels of digest {told.replica_digest:08x}, the engine's is {digest:08x}"
    if (told.asked_epoch, told.asked_seq, told.asked_digest) != (engine.epoch, engine.seq, digest):
        return f"was given a snapshot of digest {told.asked_digest:08x} at seq {told.asked_seq} on asking"
    return ""
