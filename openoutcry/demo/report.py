"""The figures of a run, as `report.json` holds them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hdrh.histogram import HdrHistogram

PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was measured, from the moment when all users were whole until they had the engine's last word."""

    verdict: str
    """`ok` or `failed`."""
    complaints: Sequence[str]
    users: int
    gateways: int
    seconds: float
    """How long the market traded while it was measured."""
    updates_published: int
    """Book changes by the engine: the sum of all advances of `seq`."""
    updates_delivered: int
    """The same, summed over every user and book followed."""
    frames_delivered: int
    bytes_delivered: int
    trades: int
    commands: int
    books_verified: int
    books_wrong: int
    digests_checked: int
    """Deltas and snapshots compared with a whole book that a user holds."""
    digests_wrong: int
    gaps_seen: int
    gaps_recovered: int
    duplicates: int
    disconnects: int
    connect_failures: int
    refusals: int
    gateways_lost: Sequence[str]
    latency_ms: Mapping[str, float]
    """Engine's publishing to client's receipt of every delta, one clock; resolution 10 µs, and 3 digits."""
    connections_per_gateway: Sequence[int]
    cpu_seconds: Mapping[str, float]
    """By role, while it was measured."""
    rss_mib: Mapping[str, float]
    """By role, at the end; processes of one role are summed."""
    rate_asked: float | None
    """Book changes a second; None for a replay."""
    rate_published: float
    """Book changes a second, as measured."""
    replay: Mapping[str, Any] | None
    """How the file fared: messages, and those skipped or refused by reason; None for bots."""
    market: str
    """`hot`, `spread` or `replay`."""
    redis: str
    versions: Mapping[str, str]

    @property
    def is_good(self) -> bool:
        """Whether the verdict is good."""
        return self.verdict == "ok"

    def to_json(self) -> str:
        """Return the report as JSON for files."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


def latency_ms(histogram: HdrHistogram) -> dict[str, float]:
    """Return a histogram of microseconds as percentiles in milliseconds; zeros if it is empty."""
    shown = {name: histogram.get_value_at_percentile(percent) / 1000 for name, percent in PERCENTILES.items()}
    return {**shown, "max": histogram.get_max_value() / 1000}


def difference(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Subtract counters that only grow."""
    return {name: value - before.get(name, 0) for name, value in after.items()}
