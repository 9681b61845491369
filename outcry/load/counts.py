"""What the users of one process have seen, in numbers that only grow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


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
    resumes: int = 0
    """Books led on after a reconnection by a delta, an empty one included, instead of a snapshot."""
    tops: int = 0
    """Windows of the channel `top`."""
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
    resyncs: int = 0
    """Snapshots asked for because a book was stale."""
    disconnects: int = 0
    """Connections lost after they had been opened, but for those that users left by plan."""
    departures: int = 0
    """Connections that users left by plan."""
    returns: int = 0
    """Users in sync again on another connection, after a loss or a departure."""
    connect_failures: int = 0
    """Attempts that never became a connection."""
    refusals: int = 0
    """Requests that a gateway refused, but for orders and cancels."""
    orders_sent: int = 0
    """Orders and cancels."""
    orders_accepted: int = 0
    """Orders with an accepting reply."""
    orders_cancelled: int = 0
    """Cancels with an accepting reply."""
    orders_refused: int = 0
    """Orders and cancels that were refused, by the gateway or the engine."""
    orders_unanswered: int = 0
    """Orders and cancels whose connection ended before the reply."""
    orders_unsent: int = 0
    """Intended times given up because too many waited for a user who is connected."""
    executions: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return dataclasses.asdict(self)


def complaints_about(counts: Mapping[str, int]) -> list[str]:
    """Return in words what makes a run bad by its `LoadCounts` alone."""
    complaints = []
    if counts["gaps_seen"] != counts["gaps_recovered"]:
        complaints.append(f"{counts['gaps_seen']} gaps, of which only {counts['gaps_recovered']} were recovered")
    if counts["digests_wrong"]:
        complaints.append(f"{counts['digests_wrong']} digests were wrong on the way")
    return complaints
