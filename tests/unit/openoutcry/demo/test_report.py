from __future__ import annotations

import json

from openoutcry.demo.report import difference, latency_ms
from openoutcry.load.latency import LatencyRecorder, add_encoded, new_histogram
from tests.unit.openoutcry.demo.figures import a_report

PROMISED = {
    "users", "gateways", "seconds", "updates_published", "updates_delivered", "frames_delivered", "books_verified",
    "books_wrong", "gaps_seen", "gaps_recovered", "disconnects", "latency_ms", "connections_per_gateway",
    "cpu_seconds", "rss_mib",
}  # fmt: skip


def test_the_file_holds_every_promised_figure() -> None:
    """Other programs read it."""
    written = json.loads(a_report().to_json())
    assert written.keys() >= PROMISED
    assert written["latency_ms"].keys() == {"p50", "p90", "p99", "p999", "max"}


def test_percentiles_are_in_milliseconds() -> None:
    recorder = LatencyRecorder()
    for milliseconds in range(1, 101):
        recorder.record(milliseconds * 1_000)
    histogram = new_histogram()
    add_encoded(histogram, recorder.take())
    shown = latency_ms(histogram)
    assert 49 < shown["p50"] < 52
    assert 98 < shown["p99"] < 101
    assert 99 < shown["max"] < 101


def test_no_delays_are_zeros() -> None:
    assert set(latency_ms(new_histogram()).values()) == {0.0}


def test_counters_are_compared_by_name() -> None:
    assert difference({"a": 5, "b": 2}, {"a": 3}) == {"a": 2, "b": 2}
