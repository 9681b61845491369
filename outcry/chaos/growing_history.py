"""The final history, read again and again while it grows."""

from __future__ import annotations

from collections.abc import Sequence

from outcry.chaos.final_history import FinalHistory
from shared.logs.feed_entry import FeedEntry


class GrowingHistory:
    """Packets that have been added are not added again, unless the history is no longer the same up to there."""

    def __init__(self) -> None:
        self._history = FinalHistory()
        self._entries: list[FeedEntry] = []

    def read(self, entries: Sequence[FeedEntry]) -> FinalHistory:
        """Return the history of all entries, given from the first one on; O(those that are new)."""
        known = len(self._entries)
        if self._entries != list(entries[:known]):
            self._history, known = FinalHistory(), 0
        for entry in entries[known:]:
            self._history.add(entry)
        self._entries = list(entries)
        return self._history
