"""From what was measured to the report: sums, rates, and whether anything was wrong."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from outcry.load.counts import complaints_about
from outcry.load.delays import MEANINGS
from outcry.load.exposition import Exposition
from outcry.load.findings import Findings
from outcry.load.hops import NOT_REPORTED, gateway_hops, process_figures
from outcry.load.latency import difference, latency_figures, percentile_curve
from outcry.load.look import Look
from outcry.load.options import LoadOptions
from outcry.load.report import Happening, LoadReport
from outcry.load.verdict import BookVerdict
from outcry.stack.usage import MEBIBYTE

CURVES: Final = ("accepted", "accepted_service")


class Measured(NamedTuple):
    """All that a report is made of, beside the findings."""

    options: LoadOptions
    deployment: str
    proof: str
    urls: Sequence[str]
    instruments: Sequence[str]
    market_settings: Mapping[str, Any]
    slow_users: int
    opening_seconds: float
    updates_published: int
    before: Look
    after: Look
    """At the measurement's end."""
    fairness: Mapping[str, Any]
    last: Look
    """After the verdict."""
    scrapes: Mapping[str, tuple[Exposition | None, Exposition | None]]
    verdict: BookVerdict
    happenings: Sequence[Happening]
    gateways_lost: Sequence[str]
    began_at: str
    machine: Mapping[str, Any]


def conclude(measured: Measured, findings: Findings) -> LoadReport:
    """Make the report."""
    options, before, after = measured.options, measured.before, measured.after
    seconds = after.at - before.at
    seen = difference(after.load.counts, before.load.counts)
    published = measured.updates_published
    complaints = [*measured.verdict.complaints, *_complaints(measured)]
    cpu_seconds, rss_mib = _resources(measured)
    return LoadReport(
        verdict=_verdict(measured, complaints),
        proof=measured.proof if measured.verdict.books_verified else "no books are followed, so none can be compared",
        complaints=complaints,
        scenario=options.scenario.name,
        deployment=measured.deployment,
        urls=list(measured.urls),
        settings={**_settings(options), **measured.market_settings},
        users=options.crew.users,
        slow_users=measured.slow_users,
        instruments=len(measured.instruments),
        seconds=round(seconds, 3),
        opening={
            "seconds": round(measured.opening_seconds, 3),
            "ms": latency_figures(findings.delays["opening"]),
        },
        updates_published=published,
        updates_delivered=seen["updates"],
        frames_delivered=seen["frames"],
        bytes_delivered=seen["bytes"],
        rates=_rates(seen, published, seconds),
        latency_ms=latency_figures(findings.latency),
        latency_curve=percentile_curve(findings.latency),
        clock_warning=_clock_warning(measured),
        fairness=measured.fairness,
        delays_ms=_delays(findings),
        order_curves={name: percentile_curve(findings.delays[name]) for name in CURVES if seen["orders_sent"]},
        hops_ms=_hops(measured, findings),
        counts=seen,
        slow_counts=difference(after.load.slow_counts, before.load.slow_counts),
        gateways=_gateways(measured.scrapes),
        happenings=measured.happenings,
        phases=findings.phases(seconds),
        series=findings.points,
        cpu_seconds=cpu_seconds,
        rss_mib=rss_mib,
        books_verified=measured.verdict.books_verified,
        books_wrong=measured.verdict.books_wrong,
        gateways_lost=list(measured.gateways_lost),
        began_at=measured.began_at,
        machine=measured.machine,
        versions={"openoutcry": importlib.metadata.version("openoutcry-exchange"), "python": platform.python_version()},
    )


def _verdict(measured: Measured, complaints: Sequence[str]) -> str:
    if complaints:
        return "failed"
    return "ok" if measured.verdict.books_verified else "unproven"


def _complaints(measured: Measured) -> list[str]:
    """Return what else makes a run bad, books aside; from the first connection to the verdict."""
    counts, readers = measured.last.load.counts, measured.options.crew.users - measured.slow_users
    complaints = complaints_about(counts)
    if measured.last.load.whole != readers:
        reasons = "; ".join(measured.last.load.troubles)
        complaints.append(f"{measured.last.load.whole} of {readers} users were in sync at the end: {reasons}")
    return complaints


def _settings(options: LoadOptions) -> dict[str, Any]:
    return {
        "mix": options.mix.text,
        "ramp": options.ramp,
        "slow": options.slow,
        "churn": options.churn,
        "orders": options.orders,
        "verify_percent": options.crew.verify_percent,
        "load_processes": options.crew.load_processes,
        "opening": options.opening,
        "sources": list(options.sources) or "the system's choice",
        "seed": options.seed,
    }


def _rates(seen: Mapping[str, int], published: int, seconds: float) -> dict[str, float]:
    sums = {
        "updates_published": published,
        "updates_delivered": seen["updates"],
        "frames": seen["frames"],
        "mib": seen["bytes"] / MEBIBYTE,
    }
    return {name: round(value / seconds, 2) for name, value in sums.items()}


def _clock_warning(measured: Measured) -> str:
    early = measured.last.load.below_zero
    if not early:
        return ""
    return f"{early:,} deltas came before they were published: the clocks of engine and users differ"


def _delays(findings: Findings) -> dict[str, dict[str, Any]]:
    return {
        name: {"of": meaning, **latency_figures(findings.delays[name])}
        for name, meaning in MEANINGS.items()
        if findings.delays[name].get_total_count()
    }


def _hops(measured: Measured, findings: Findings) -> dict[str, Any]:
    last_hop = {"of": MEANINGS["last_hop"], **latency_figures(findings.delays["last_hop"])}
    return {**gateway_hops(measured.scrapes), "gateway to client": last_hop}


def _gateways(scrapes: Mapping[str, tuple[Exposition | None, Exposition | None]]) -> dict[str, Any]:
    return {name: _gateway(begin, end) for name, (begin, end) in scrapes.items()}


def _gateway(begin: Exposition | None, end: Exposition | None) -> Any:
    connections = "outcry_gateway_connections"
    if not (begin and end and connections in end.values and end.is_same_process(begin)):
        return NOT_REPORTED
    grown = {
        "lagged": "outcry_gateway_lagged_total",
        "aborted": "outcry_gateway_aborted_total",
        "flushes": "outcry_gateway_flushes_total",
    }
    rises = {name: end.values.get(metric, 0.0) - begin.values.get(metric, 0.0) for name, metric in grown.items()}
    return {"connections": end.values[connections], **rises}


def _resources(measured: Measured) -> tuple[dict[str, float], dict[str, float]]:
    """Return CPU seconds and RSS by role: as measured of our processes, and as others reported."""
    cpu = {
        role: round(used.cpu_seconds - measured.before.usage[role].cpu_seconds, 2)
        for role, used in measured.after.usage.items()
    }
    rss = {role: round(used.rss_mib, 1) for role, used in measured.after.usage.items()}
    for name, figures in process_figures(measured.scrapes).items():
        if isinstance(figures, Mapping) and name not in cpu:
            cpu[name], rss[name] = figures["cpu_seconds"], figures["rss_mib"]
    return cpu, rss
