"""What the users of one process have seen, in numbers that only grow."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(slots=True)
class LoadCounts:
    """Sums over all users of a process, since it began."""

    updates: int = 0
    """Book changes delivered: advances of `seq`, by every applied delta."""
    deltas: int = 0
    """Delta messages applied."""
    frames: int = 0
    """WebSocket frames with messages."""
    bytes: int = 0
    """All bytes received, headers included."""
    duplicates: int = 0
    snapshots: int = 0
    tickers: int = 0
    trades: int = 0
    heartbeats: int = 0
    gaps_seen: int = 0
    """Times that a book had to be called stale: a gap, a lost tail, a wrong digest."""
    gaps_recovered: int = 0
    """Of these, ended by a snapshot."""
    digests_checked: int = 0
    """Deltas and snapshots whose digest was compared with a whole book that a user holds."""
    digests_wrong: int = 0
    disconnects: int = 0
    """Connections lost after they had been opened."""
    connect_failures: int = 0
    """Attempts that never became a connection."""
    refusals: int = 0
    """Requests that a gateway refused."""

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return dataclasses.asdict(self)
