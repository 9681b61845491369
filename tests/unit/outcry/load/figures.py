"""A load report to show."""

from __future__ import annotations

from typing import Any

from outcry.load.counts import LoadCounts
from outcry.load.report import Happening, LoadPhase, LoadReport, Point

LATENCY_MS = {"count": 1_000, "mean": 2.0, "p50": 1.5, "p90": 2.5, "p99": 3.5, "p999": 4.5, "max": 5.5}
CURVE = [(0.0, 0.5), (50.0, 1.5), (90.0, 2.5), (99.0, 3.5), (99.9, 4.5)]


def a_point(t: float) -> Point:
    return Point(t, 1.5, 3.5, 5.5, 100, 90, [50, 50], 30_000.0, 20_000.0, 2.5, 100.0, 12.5)


def a_load_report(**fields: Any) -> LoadReport:
    given: dict[str, Any] = {
        "verdict": "ok",
        "proof": "every user's book is the engine's",
        "complaints": [],
        "scenario": "loss",
        "deployment": "own",
        "urls": ["ws://127.0.0.1:1/v1/stream", "ws://127.0.0.1:2/v1/stream"],
        "settings": {"mix": "book:3", "sources": ["127.0.0.1"]},
        "users": 100,
        "slow_users": 10,
        "instruments": 10,
        "seconds": 3.0,
        "opening": {"seconds": 1.25, "ms": LATENCY_MS},
        "updates_published": 600,
        "updates_delivered": 60_000,
        "frames_delivered": 50_000,
        "bytes_delivered": 10_000_000,
        "rates": {"updates_published": 200.0, "updates_delivered": 20_000.0, "frames": 16_667.0, "mib": 3.18},
        "latency_ms": LATENCY_MS,
        "latency_curve": CURVE,
        "clock_warning": "",
        "fairness": {
            "users": 90, "p5_ms": 1.5, "p50_ms": 1.6, "p95_ms": 1.8, "spread_percent": 20.0,
            "gateways": {
                "ws://127.0.0.1:1/v1/stream": {
                    "users": 45, "p5_ms": 1.5, "p50_ms": 1.55, "p95_ms": 1.6, "spread_percent": 6.7
                },
                "ws://127.0.0.1:2/v1/stream": {
                    "users": 45, "p5_ms": 1.7, "p50_ms": 1.75, "p95_ms": 1.8, "spread_percent": 5.9
                },
            },
        },
        "delays_ms": {"accepted": {"of": "x", **LATENCY_MS}, "last_hop": {"of": "y", **LATENCY_MS}},
        "order_curves": {"accepted": CURVE, "accepted_service": CURVE},
        "hops_ms": {
            "engine to gateway": {"of": "z", "count": 9, "mean": 1.0, "p50": 0.5, "p90": 1.0, "p99": 2.0},
            "flush": "not reported",
            "gateway to client": {"of": "y", **LATENCY_MS},
        },
        "counts": LoadCounts(orders_sent=300, returns=50, resumes=150).as_dict(),
        "slow_counts": LoadCounts().as_dict(),
        "gateways": {"gateway-1": {"connections": 50, "lagged": 1, "aborted": 0}, "gateway-2": "not reported"},
        "happenings": [Happening(1.0, "gateway lost", "killed gateway-2 (SIGKILL)", 50, 0.4)],
        "phases": [
            LoadPhase("until gateway lost", 0, 1, LATENCY_MS),
            LoadPhase("after gateway lost", 1, 3, LATENCY_MS),
        ],
        "series": [a_point(1.0), a_point(2.0), a_point(3.0)],
        "cpu_seconds": {"gateway-1": 1.5, "load": 2.0},
        "rss_mib": {"gateway-1": 60.0, "load": 80.0},
        "books_verified": 270,
        "books_wrong": 0,
        "gateways_lost": ["gateway-2 was ended by signal 9"],
        "began_at": "2026-01-01T00:00:00+00:00",
        "machine": {"system": "Linux", "cores": 2},
        "versions": {"python": "3.11"},
        **fields,
    }  # fmt: skip
    return LoadReport(**given)
