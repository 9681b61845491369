"""What a measurement gathers on its way."""

from __future__ import annotations

import pytest

from outcry.load.counts import LoadCounts
from outcry.load.delays import MEANINGS
from outcry.load.findings import Findings
from outcry.load.latency import new_histogram
from outcry.load.look import LoadStatistics, Look


def seen(delay_us: int, **counts: int) -> LoadStatistics:
    """One delta of this delay since the look before."""
    latency = new_histogram()
    latency.record_value(delay_us)
    return LoadStatistics(
        counts=LoadCounts(**counts).as_dict(), slow_counts={}, connections=[3, 2], slow_connections=0, whole=5,
        whole_at_us=0, latency=latency, below_zero=0, delays={name: new_histogram() for name in MEANINGS},
        orders_waiting=0, troubles=[],
    )  # fmt: skip


def test_a_point_is_what_happened_between_two_looks() -> None:
    before, after = Look(10.0, seen(1, updates=100), {}), Look(12.0, seen(3_000, updates=700, bytes=4 << 20), {})
    point = after.point(before, began=5.0)
    assert (point.t, point.updates_per_s, point.mib_per_s, point.connections) == (7.0, 300.0, 2.0, 5)
    assert point.p99_ms == pytest.approx(3, rel=0.01)


def test_phases_part_at_happenings() -> None:
    """What a burst did to latency must not be averaged away."""
    findings = Findings()
    point = Look(1.0, seen(1), {}).point(Look(0.0, seen(1), {}), 0.0)
    findings.add(point, seen(1_000))
    findings.begin_phase(1.5, "burst begins")
    findings.add(point, seen(50_000))
    first, second = findings.phases(3.0)
    assert (first.name, first.begin_s, first.end_s) == ("until burst begins", 0.0, 1.5)
    assert (second.name, second.begin_s, second.end_s) == ("after burst begins", 1.5, 3.0)
    assert first.latency_ms["max"] == pytest.approx(1, rel=0.01)
    assert second.latency_ms["max"] == pytest.approx(50, rel=0.01)
    assert findings.latency.get_total_count() == 2


def test_a_run_without_happenings_is_one_phase() -> None:
    assert [phase.name for phase in Findings().phases(3.0)] == ["all of it"]
