from __future__ import annotations

import json

from tests.unit.outcry.demo.figures import a_report

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
