"""How often a part may be started again: so many times within a minute, and then it is not worth trying."""

from __future__ import annotations

from collections import deque
from typing import Final

RESTART_WINDOW_SECONDS: Final = 60.0


class Restarts:
    """
    Restarts by the name of the part.

    Args:
        restarts_max: Of one part within RESTART_WINDOW_SECONDS.
    """

    def __init__(self, restarts_max: int) -> None:
        self._restarts_max = restarts_max
        self._times: dict[str, deque[float]] = {}

    def count(self, name: str, now: float) -> bool:
        """Count a restart at `now`, monotonic seconds; return False, and count nothing, if it is one too many."""
        times = self._times.setdefault(name, deque())
        while times and now - times[0] > RESTART_WINDOW_SECONDS:
            times.popleft()
        if len(times) >= self._restarts_max:
            return False
        times.append(now)
        return True
