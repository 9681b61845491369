"""The actions of a run: which is due, and when everybody was in sync after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from outcry.load.report import Happening
from outcry.load.scenario import Action, Deed, Scenario


class _Wound(NamedTuple):
    """An action that broke connections, until all users are in sync again."""

    place: int
    """Of its happening."""
    done_us: int
    ended_before: int


class Timeline:
    """
    What is to happen, and what has.

    Args:
        scenario: Whose actions.
        seconds: How long is measured.
    """

    def __init__(self, scenario: Scenario, seconds: float) -> None:
        self.happenings: list[Happening] = []
        self._seconds = seconds
        self._to_come = list(scenario.actions)
        self._wounds: list[_Wound] = []

    @property
    def is_waiting(self) -> bool:
        """Whether users whom an action took out are not all back."""
        return any(self.happenings[wound.place].users_affected for wound in self._wounds)

    def next_s(self) -> float:
        """Return when the next action is due, or the end, in seconds since the beginning."""
        return self._to_come[0].share * self._seconds if self._to_come else self._seconds

    def due(self, elapsed: float) -> Deed | None:
        """Take the next action if its time has come."""
        if not self._to_come or elapsed < self.next_s():
            return None
        action: Action = self._to_come.pop(0)
        return action.deed

    def done(self, deed: Deed, text: str, elapsed: float, time_us: int, counts: Mapping[str, int]) -> None:
        """
        Record an action.

        Args:
            deed: What was done.
            text: How exactly.
            elapsed: Seconds since the beginning.
            time_us: The same moment, µs since 1970.
            counts: `LoadCounts` from before the action.
        """
        if deed.breaks_connections:
            self._wounds.append(_Wound(len(self.happenings), time_us, _ended(counts)))
        self.happenings.append(Happening(round(elapsed, 3), deed.value, text, 0, None))

    def observe(self, counts: Mapping[str, int], whole_at_us: int, *, all_whole: bool) -> None:
        """Look whether the users that an action took out are back; `whole_at_us` is when the last one was in sync."""
        for wound in list(self._wounds):
            affected = _ended(counts) - wound.ended_before
            happening = self.happenings[wound.place]._replace(users_affected=affected)
            if affected and all_whole and whole_at_us >= wound.done_us:
                happening = happening._replace(whole_again_s=round((whole_at_us - wound.done_us) / 1e6, 3))
                self._wounds.remove(wound)
            self.happenings[wound.place] = happening


def _ended(counts: Mapping[str, int]) -> int:
    return counts["disconnects"] + counts["departures"]
