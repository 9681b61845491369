"""What happened in a run: the last events in words, and a hash over all of them.

Two runs are the same if and only if their hashes are. Bounded: only the last events are kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from typing import Final

EVENTS_KEPT: Final = 400


class Trace:
    """The events of one run."""

    def __init__(self) -> None:
        self.events = 0
        self.counts: Counter[str] = Counter()
        """Events by kind."""
        self._last: deque[tuple[float, str, str]] = deque(maxlen=EVENTS_KEPT)
        self._hash = hashlib.sha256()

    def add(self, now: float, who: str, what: str, *, kind: str = "") -> None:
        """Note an event; who and what must be the same in every run of a seed."""
        self.events += 1
        if kind:
            self.counts[kind] += 1
        self._last.append((now, who, what))
        self._hash.update(f"{now:.9f}|{who}|{what}\n".encode())

    def hide(self, now: float, who: str, data: bytes) -> None:
        """Take something into the hash alone: it must be the same, and is of no interest to a reader."""
        self._hash.update(b"%.9f|%b|%b\n" % (now, who.encode(), data))

    def digest(self) -> str:
        """Return the hash over all events so far."""
        return self._hash.hexdigest()

    def tail(self, count: int) -> list[str]:
        """Return the last events, oldest first."""
        return [f"{now:11.6f}  {who:<12} {what}" for now, who, what in list(self._last)[-count:]]
