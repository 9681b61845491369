"""When a leader has something to say though nobody asks: the ends of calls, and moments at which something is due.

Owns the drawing of a call's end: any moment up to its latest one, drawn when its earliest end is over, told to nobody.
Leaves to the leader the clock, the chance, and the appending of commands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.matching.floor import Floor
from services.matching.sessions.phases import Phases
from services.matching.timers import NEVER

PAUSE_US: Final = 20_000
"""Shortest time between two looks: what is due in between is due a little later."""
GO_ON_US: Final = 1_000
"""The same while the market has more to do than one command may: it goes on though nobody sends anything."""


class Moments:
    """
    The moments of one leader's market.

    Args:
        floor: The leader's.
        phases: Likewise.
        chance: Returns a number from 0 to below 1, that nobody can foresee.
    """

    def __init__(self, floor: Floor, phases: Phases, chance: Callable[[], float]) -> None:
        self._floor = floor
        self._phases = phases
        self._chance = chance
        self._passed = 0
        self._gone_on = -1  # position at which the market was asked to go on
        self._drawn: dict[tuple[str, int], int] = {}  # symbol and number of the call, to its end in µs

    def take_ends(self, now_us: int) -> list[tuple[str, int]]:
        """Return symbol and number of the calls that end now, each once; O(calls that are under way)."""
        drawn, ends = self._drawn, []
        still: dict[tuple[str, int], int] = {}
        for symbol, call in self._phases.calls.items():
            if not call.latest or call.is_ending:
                continue
            key = symbol, self._floor.instruments[symbol].auction_id
            moment = drawn.get(key)
            if moment is None:
                moment = now_us + int(max(0, call.latest - now_us) * self._chance())
            if 0 < moment <= now_us:
                ends.append(key)
                moment = 0
            still[key] = moment
        self._drawn = still
        return ends

    def next_us(self, now_us: int) -> int:
        """Return when to look again, µs: when something is due, in PAUSE_US at the earliest; NEVER if nothing is."""
        if self._has_more():
            return now_us + GO_ON_US
        moments = [moment for moment in self._drawn.values() if moment]
        due = self._floor.timers.next_due
        if due != self._passed:
            moments.append(due)
        return max(now_us + PAUSE_US, min(moments, default=NEVER))

    def is_due(self, now_us: int) -> bool:
        """Tell, once for each moment, whether something waits for time to pass: the log's clock may be behind."""
        if self._has_more():
            is_new, self._gone_on = self._gone_on != self._floor.position, self._floor.position
            return is_new
        due = self._floor.timers.next_due
        if due > now_us or due == self._passed:
            return False
        self._passed = due
        return True

    def _has_more(self) -> bool:
        """Tell whether the last command has left something for the next ones."""
        floor = self._floor
        return floor.is_late or bool(floor.sweeps or floor.uncrossing)
