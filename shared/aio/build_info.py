"""Which version runs: a metric of every role, 1 with the facts as labels, as Prometheus' own conventions have it."""

from __future__ import annotations

import importlib.metadata
import platform

from prometheus_client import CollectorRegistry, Gauge


def tell_build(registry: CollectorRegistry) -> None:
    """Add `outcry_build_info` to a role's metrics."""
    gauge = Gauge(
        "outcry_build_info", "Always 1: the version of this role, and of its Python.", ["version", "python"],
        registry=registry,
    )  # fmt: skip
    gauge.labels(importlib.metadata.version("openoutcry-exchange"), platform.python_version()).set(1)
