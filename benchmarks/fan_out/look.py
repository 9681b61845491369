"""One look at a running contestant: so many seconds at a rate, what came of them, and what they cost."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from benchmarks.fan_out.contestant import Running
from benchmarks.fan_out.usage import Used, cpu_used

SHARE_MIN: Final = 0.98
"""Of the updates asked for; a server that delivers less does not sustain the rate."""
P99_MS_MAX: Final = 100.0
"""Of a rate that is sustained at all."""


class Look(NamedTuple):
    """What was seen."""

    rate: float
    """Updates a second that were asked for."""
    seconds: float
    users: int
    updates: int
    """Sum over users."""
    deliveries: int
    """Messages that had updates, sum over users; a message may hold several updates."""
    frames: int
    bytes: int
    p50_ms: float
    p99_ms: float
    servers: Used
    helpers: Used
    faults: dict[str, int]
    """What must not happen; empty if it did not."""

    @property
    def share(self) -> float:
        """Updates delivered, of those asked for; a little more than 1 is the edges of the time."""
        return self.updates / (self.rate * self.seconds * self.users)

    @property
    def updates_per_s(self) -> float:
        """Updates conveyed a second, sum over users."""
        return self.updates / self.seconds

    def sustains(self, p99_ms: float = P99_MS_MAX) -> bool:
        """Whether nearly all came, in time, and nothing went wrong."""
        return self.share >= SHARE_MIN and self.p99_ms <= p99_ms and not self.faults

    def us_per_delivery(self, used_s: float) -> float:
        """Share CPU seconds out among the deliveries, µs; 0 of none."""
        return 1e6 * used_s / self.deliveries if self.deliveries else 0.0


async def look(running: Running, rate: float, size: int, seconds: float, warming_s: float) -> Look:
    """
    Publish for some seconds, and look after a while.

    Args:
        running: With its users open.
        rate: Updates a second.
        size: Bytes of a payload.
        seconds: How long to look.
        warming_s: How long to publish before.

    Raises:
        UsersFailed: If the users' program fails.
        RoleFailed: If a part of the contestant does, or a user of ours held a wrong book.
    """
    await running.publish(rate, size)
    await asyncio.sleep(warming_s)
    before = cpu_used(running.servers), cpu_used(running.helpers)
    running.users.reset()
    await asyncio.sleep(seconds)
    report = running.users.report()
    servers, helpers = cpu_used(running.servers), cpu_used(running.helpers)
    is_taken = await running.hush()
    return Look(
        rate=rate,
        seconds=report.seconds,
        users=report.users,
        updates=report.updates,
        deliveries=running.deliveries(report),
        frames=report.frames,
        bytes=report.bytes,
        p50_ms=report.latency_us.p50 / 1000,
        p99_ms=report.latency_us.p99 / 1000,
        servers=servers.since(before[0]),
        helpers=helpers.since(before[1]),
        faults=report.faults if is_taken else {**report.faults, "stalled": 1},
    )
