"""Holding a rate of book changes, by what the feed shows and not by what was sent.

A command may change nothing (a market order that finds nobody, a cancel that came too late). The pace therefore counts
the changes that were seen, takes every command under way for one more, and asks for the rest.
"""

from __future__ import annotations

from typing import Final

DEBT_SECONDS_MAX: Final = 1.0
"""What an engine that cannot follow stays behind by more than this is given up, not made good by a burst later."""


class Pace:
    """
    So many changes a second, from `now` on.

    Args:
        rate: Changes a second, above 0.
        now: Monotonic seconds.
        changes: Changes seen so far.
    """

    def __init__(self, rate: float, now: float, changes: int) -> None:
        self.rate = rate
        self._due = float(changes)
        self._at = now

    def commands_due(self, now: float, changes: int, under_way: int) -> int:
        """
        Return how many commands to send at this moment, 0 or more.

        Args:
            now: Monotonic seconds, never less than before.
            changes: Book changes that the feed has shown so far.
            under_way: Commands sent whose effect the feed has not shown yet.
        """
        self._due += (now - self._at) * self.rate
        self._at = now
        self._due = min(self._due, changes + under_way + self.rate * DEBT_SECONDS_MAX)
        return max(0, int(self._due) - changes - under_way)
