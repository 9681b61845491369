"""The state of a run at one moment, and the difference between two moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hdrh.histogram import HdrHistogram

from outcry.load.latency import difference, percentile_ms
from outcry.load.report import Point
from outcry.stack.usage import MEBIBYTE, Usage


class LoadStatistics(NamedTuple):
    """What the users of all processes have seen."""

    counts: Mapping[str, int]
    """`LoadCounts` of those who read."""
    slow_counts: Mapping[str, int]
    """Of those who do not."""
    connections: Sequence[int]
    """By gateway, slow users included."""
    slow_connections: int
    whole: int
    """Users who read, are connected, and trust every book."""
    whole_at_us: int
    """When the last user came in sync, µs since 1970."""
    latency: HdrHistogram
    """Delivery of book deltas since the statistics before, µs."""
    below_zero: int
    """Delays below 0 since the beginning: the clocks of engine and users differ."""
    delays: Mapping[str, HdrHistogram]
    """The others since the statistics before, µs; by the names of `delays.MEANINGS`."""
    orders_waiting: int
    troubles: Sequence[str]
    """Why connections were lost or requests refused, the last of each process."""


class Look(NamedTuple):
    """Everything at one moment."""

    at: float
    """Monotonic seconds."""
    load: LoadStatistics
    usage: Mapping[str, Usage]
    """By role."""

    def point(self, last: Look, began: float) -> Point:
        """Return the step of the time series since another look."""
        seconds = max(self.at - last.at, 1e-3)
        seen = difference(self.load.counts, last.load.counts)
        latency, accepted = self.load.latency, self.load.delays["accepted"]
        return Point(
            t=round(self.at - began, 3),
            p50_ms=percentile_ms(latency, 50),
            p99_ms=percentile_ms(latency, 99),
            max_ms=percentile_ms(latency, 100),
            connections=sum(self.load.connections),
            whole=self.load.whole,
            per_gateway=self.load.connections,
            updates_per_s=round(seen["updates"] / seconds, 1),
            frames_per_s=round(seen["frames"] / seconds, 1),
            mib_per_s=round(seen["bytes"] / MEBIBYTE / seconds, 3),
            orders_per_s=round(seen["orders_sent"] / seconds, 1),
            order_p99_ms=percentile_ms(accepted, 99),
        )
