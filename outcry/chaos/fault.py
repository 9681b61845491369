"""The faults of an exchange's processes."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Part(enum.Enum):
    """The part that a blow hits. Its process is looked up at that moment."""

    LEADER = "leader"
    STANDBY = "standby"
    GATEWAY = "gateway"
    REDIS = "redis"


class Blow(enum.Enum):
    """What is done to a process."""

    KILL = "kill"
    """SIGKILL; it is started again later."""
    FREEZE = "freeze"
    """SIGSTOP, and SIGCONT later."""


class Strike(NamedTuple):
    """One blow at one part."""

    blow: Blow
    part: Part
    place: int
    """Which gateway, from 0; 0 for other parts."""
    seconds: float
    """How long it stays dead or frozen."""

    @property
    def kind(self) -> str:
        """What it is called in tables."""
        return f"{self.blow.value} {self.part.value}"

    def __str__(self) -> str:
        which = f" {self.place + 1}" if self.part is Part.GATEWAY else ""
        return f"{self.kind}{which} for {self.seconds:.1f} s"


class ChaosFault(NamedTuple):
    """Strikes of one moment."""

    wait: float
    """Seconds between the recovery from the fault before and this one."""
    strikes: tuple[Strike, ...]

    @property
    def kind(self) -> str:
        """What it is called in tables: one name for all pairs, since there are many."""
        return self.strikes[0].kind if len(self.strikes) == 1 else "two at once"

    def __str__(self) -> str:
        return " and ".join(map(str, self.strikes))
