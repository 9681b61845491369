"""Metrics of one service, whose names begin alike: values made at a scrape, counters and histograms that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric


class MetricFamilies(NamedTuple):
    """Makes the metrics of a service."""

    prefix: str
    """What their names begin with, such as `outcry_gateway`."""

    # -- values, made anew for each scrape ----------------------------------------------------------------------------

    def gauge(self, name: str, help_text: str, value: float) -> Metric:
        """Return a value that may fall."""
        return GaugeMetricFamily(f"{self.prefix}_{name}", help_text, value)

    def gauges(self, name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
        """Return such values by a label."""
        family = GaugeMetricFamily(f"{self.prefix}_{name}", help_text, labels=[label])
        for key, value in values.items():
            family.add_metric([key], value)
        return family

    def counter(self, name: str, help_text: str, value: float) -> Metric:
        """Return a value that only grows."""
        return CounterMetricFamily(f"{self.prefix}_{name}", help_text, value)

    def counters(
        self, name: str, help_text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
    ) -> Metric:
        """Return such values by several labels."""
        family = CounterMetricFamily(f"{self.prefix}_{name}", help_text, labels=labels)
        for key, value in values.items():
            family.add_metric(key, value)
        return family

    def counters_by(
        self, name: str, help_text: str, label: str, values: Mapping[int, int] | Mapping[str, int]
    ) -> Metric:
        """Return such values by one label."""
        return self.counters(name, help_text, [label], {(str(key),): value for key, value in values.items()})

    # -- kept in a registry -------------------------------------------------------------------------------------------

    def kept_counter(self, name: str, help_text: str, registry: CollectorRegistry, *labels: str) -> Counter:
        """Register a counter."""
        return Counter(f"{self.prefix}_{name}", help_text, labels, registry=registry)

    def kept_histogram(
        self, name: str, help_text: str, registry: CollectorRegistry, buckets: Sequence[float]
    ) -> Histogram:
        """Register a histogram; buckets ascend."""
        return Histogram(f"{self.prefix}_{name}", help_text, buckets=buckets, registry=registry)
