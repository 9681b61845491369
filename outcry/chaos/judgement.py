"""The state of a market that has come to rest after faults, and everything that is wrong with it."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Final, NamedTuple

from outcry.chaos.order_verdict import OrderVerdict
from outcry.chaos.recoveries import Happened
from outcry.load.verdict import BookVerdict

FENCED: Final = 3
STORE_UNAVAILABLE: Final = 4
"""Exit statuses that engines may well end with here; they are started again."""


class Judgement(NamedTuple):
    """Of books and orders."""

    books: BookVerdict
    orders: OrderVerdict
    epochs: int

    @property
    def is_good(self) -> bool:
        """Whether no book is wrong, and nothing that was acknowledged is lost or done twice."""
        return self.books.is_good and self.orders.is_good

    def complaints(self, happened: Sequence[Happened], endings: Sequence[tuple[str, int]], wrong: int) -> list[str]:
        """
        Return in words all that makes a run bad.

        Args:
            happened: The faults.
            endings: Name and exit status of every part that ended.
            wrong: Digests that did not fit on the way.
        """
        found = [*self.books.complaints, *self.orders.complaints, *strange_endings(endings)]
        lost = [each.text for each in happened if each.recovery.books_ms is None]
        found += [f"the market did not recover from: {text}" for text in lost]
        if wrong:
            found.append(f"{wrong} digests were wrong on the way")
        return found


def strange_endings(endings: Sequence[tuple[str, int]]) -> list[str]:
    """Return in words which parts ended in a way that no fault explains."""
    usual = (-signal.SIGKILL, FENCED, STORE_UNAVAILABLE)
    return [
        f"{name} ended with status {status}"
        for name, status in endings
        if status not in usual and (name, status) != ("redis", 0)
    ]
