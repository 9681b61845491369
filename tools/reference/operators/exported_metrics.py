"""Every metric that a role exports, found by asking what a role asks: its own registry."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from services.gateway.aio.certificate import CertificateCollector
from services.gateway.aio.feed_line import FeedLineCollector
from services.gateway.aio.flush_way import RingCollector
from services.gateway.gateway import Gateway
from services.gateway.limits import GatewayLimits
from services.gateway.metrics import AcceptStatistics, FeedStatistics, GatewayCollector, HopTimes
from services.ledger.aio.metrics import LedgerMetrics
from services.matching.aio.metrics import EngineState, EngineStateCollector, MatchingMetrics, Role
from shared.aio.build_info import tell_build
from shared.identity import Authenticator
from shared.key_ring import KeyRing

_SUFFIXES: Final = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
}
PROCESS_METRICS: Final = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)
"""Every role's metrics of its own process, on Linux."""


class ExportedMetric(NamedTuple):
    """One metric as a dashboard names it."""

    name: str
    """With `_total` for a counter; a histogram's without suffix."""
    kind: str
    """counter, gauge or histogram."""
    labels: tuple[str, ...]
    help: str


def gateway_metrics() -> list[ExportedMetric]:
    """Return a gateway's own metrics, by name."""
    registry = CollectorRegistry()
    tell_build(registry)
    HopTimes(registry)
    authenticator = Authenticator(KeyRing(None))
    gateway = Gateway("docs", authenticator, GatewayLimits(), 0.0, Random(0))  # noqa: S311 - nothing is drawn
    registry.register(GatewayCollector(gateway, FeedStatistics(), AcceptStatistics(), lambda: 0.0))
    registry.register(RingCollector(None))
    registry.register(CertificateCollector(None))
    registry.register(FeedLineCollector(None))
    return _exported(registry)


def matching_metrics() -> list[ExportedMetric]:
    """Return an engine's own metrics, by name."""
    registry = CollectorRegistry()
    tell_build(registry)
    MatchingMetrics(registry)
    registry.register(EngineStateCollector(lambda: EngineState(Role.STANDBY, 0, 0, "")))
    return _exported(registry)


def ledger_metrics() -> list[ExportedMetric]:
    """Return a ledger's own metrics, by name."""
    registry = CollectorRegistry()
    tell_build(registry)
    LedgerMetrics(registry)
    return _exported(registry)


def sample_names() -> frozenset[str]:
    """Return every name that a query may use: all roles' and the process's, histograms with their suffixes."""
    found = {
        name
        for metric in (*gateway_metrics(), *matching_metrics(), *ledger_metrics())
        for name in (
            [metric.name + suffix for suffix in _SUFFIXES["histogram"]] if metric.kind == "histogram" else [metric.name]
        )
    }
    return frozenset(found | set(PROCESS_METRICS))


def _exported(registry: CollectorRegistry) -> list[ExportedMetric]:
    found = [
        ExportedMetric(
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            _labels(registry, family),
            family.documentation,
        )
        for family in registry.collect()
    ]
    return sorted(found)


def _labels(registry: CollectorRegistry, family: Metric) -> tuple[str, ...]:
    """A family without samples yet keeps its labels to itself; prometheus_client has no other way to them."""
    own: Sequence[str] | None = getattr(family, "_labelnames", None)
    if own is None:
        collector = registry._names_to_collectors.get(family.name)  # noqa: SLF001
        own = getattr(collector, "_labelnames", ())
    return tuple(own or ())
