"""The figures of a load run, as its JSON report holds them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from outcry.stack.report import RunReport

SERIES_POINTS_MAX: Final = 3600
"""A run of up to an hour is kept second by second, a longer one in steps of its length by this."""


class Point(NamedTuple):
    """One step of the time series; rates are since the step before."""

    t: float
    """Seconds since the measurement began, at the step's end."""
    p50_ms: float
    """Of the deltas delivered in this step."""
    p99_ms: float
    max_ms: float
    connections: int
    whole: int
    """Users who read, are connected, and trust every book."""
    per_gateway: Sequence[int]
    """Connections by URL."""
    updates_per_s: float
    """Book changes delivered, summed over users."""
    frames_per_s: float
    mib_per_s: float
    orders_per_s: float
    """Orders and cancels sent."""
    order_p99_ms: float
    """Intended time to acceptance."""


class Happening(NamedTuple):
    """An action of the scenario, and its effect."""

    t: float
    """Seconds since the measurement began."""
    deed: str
    text: str
    """What exactly was done."""
    users_affected: int
    """Connections that ended between the action and the return of all; 0 for an action that breaks none."""
    whole_again_s: float | None
    """Until every user was in sync again; None if not, or nobody was affected."""


class LoadPhase(NamedTuple):
    """Delivery between two happenings."""

    name: str
    begin_s: float
    end_s: float
    latency_ms: Mapping[str, float]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport(RunReport):
    """
    What was measured, from the moment when all users were in sync until the end, unless stated otherwise.

    Its verdict is `ok`, `failed`, or `unproven`: nothing was wrong, but the mix follows no books.
    """

    proof: str
    """What the verdict rests on, in a sentence."""
    scenario: str
    deployment: str
    """`own` or `foreign`."""
    urls: Sequence[str]
    settings: Mapping[str, Any]
    """The flags that matter, as they were settled."""
    users: int
    slow_users: int
    instruments: int
    """Listed."""
    seconds: float
    """How long was measured."""
    opening: Mapping[str, Any]
    """`seconds`: first connect to the last book of the last user, ramp included; `ms`: each user's own time."""
    updates_published: int
    """Book changes as the furthest user heard them: the sum of all advances of `seq`."""
    updates_delivered: int
    """The same, summed over every user and book followed."""
    frames_delivered: int
    bytes_delivered: int
    rates: Mapping[str, float]
    """`updates_published`, `updates_delivered`, `frames`, `mib`: each a second."""
    latency_ms: Mapping[str, float]
    """Engine's publishing to the client's receipt of every delta: count, mean, p50, p90, p99, p999, max. Resolution
    10 µs or 0.4 %. Engine and clients must share a clock, or synchronised ones."""
    latency_curve: Sequence[Sequence[float]]
    """The same as [percentile, ms], denser towards 100."""
    clock_warning: str
    """Not empty if deltas came before they were published: the clocks differ, and delays are off by at least that."""
    fairness: Mapping[str, Any]
    """Spread of the users' own mean deliveries (`outcry.load.fairness`): `p5_ms`, `p50_ms`, `p95_ms` over users and
    `spread_percent`, by which the 95th is above the 5th; the same by URL in `gateways`. Empty without deliveries."""
    delays_ms: Mapping[str, Mapping[str, Any]]
    """Every other delay by the names of `outcry.load.delays`: `of` what, count, mean and percentiles; only those
    that occurred."""
    order_curves: Mapping[str, Sequence[Sequence[float]]]
    """`accepted` (from the intended time) and `accepted_service` (from the sending), as `latency_curve`."""
    hops_ms: Mapping[str, Any]
    """Hop to count, mean, p50, p90, p99, all gateways together (from histograms of /metrics: percentiles are
    estimates within buckets), or `not reported`; `gateway to client` is measured by the users' heartbeats."""
    counts: Mapping[str, int]
    """`LoadCounts` of the users who read."""
    slow_counts: Mapping[str, int]
    """Of those who do not."""
    gateways: Mapping[str, Any]
    """Gateway to `connections` at the end and, during the measurement, `lagged` and `aborted`; or `not reported`."""
    happenings: Sequence[Happening]
    phases: Sequence[LoadPhase]
    """Between happenings; one phase if there are none."""
    series: Sequence[Point]
    cpu_seconds: Mapping[str, float]
    """User and system by role, while it was measured; roles of which nothing is known are missing."""
    rss_mib: Mapping[str, float]
    """By role, at the measurement's end."""
    books_verified: int
    books_wrong: int
    gateways_lost: Sequence[str]
    began_at: str
    """UTC, ISO 8601."""
    machine: Mapping[str, Any]
    """Of the load processes: `system`, `cores`, `memory_gib`."""
    versions: Mapping[str, str]

    @property
    def is_good(self) -> bool:
        """Whether nothing was wrong."""
        return self.verdict != "failed"

    def to_json(self) -> str:
        """Return the report as JSON for files; happenings, phases and points are maps."""
        fields = dataclasses.asdict(self)
        for name in ("happenings", "phases", "series"):
            fields[name] = [row._asdict() for row in getattr(self, name)]
        return json.dumps(fields, indent=1) + "\n"
