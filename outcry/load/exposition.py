"""A process' metrics for Prometheus, read as text: counters, gauges and histograms of one moment, and between two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from openoutcry.wire.errors import MalformedMessage

HISTOGRAM_PERCENTILES: Final = {"p50": 0.50, "p90": 0.90, "p99": 0.99}


class HistogramState(NamedTuple):
    """A histogram's counters."""

    buckets: Mapping[float, float]
    """Upper bound, seconds, to the observations up to it; the last bound is infinite."""
    total: float
    """Sum of all observations, seconds."""

    @property
    def observations(self) -> float:
        """How many."""
        return self.buckets.get(math.inf, 0.0)

    def since(self, earlier: HistogramState) -> HistogramState:
        """Return what was observed after another state of the same histogram."""
        buckets = {bound: count - earlier.buckets.get(bound, 0.0) for bound, count in self.buckets.items()}
        return HistogramState(buckets, self.total - earlier.total)

    def plus(self, other: HistogramState) -> HistogramState:
        """Add another process's histogram of the same buckets."""
        bounds = sorted({*self.buckets, *other.buckets})
        buckets = {bound: self.buckets.get(bound, 0.0) + other.buckets.get(bound, 0.0) for bound in bounds}
        return HistogramState(buckets, self.total + other.total)

    def quantile(self, share: float) -> float:
        """
        Estimate a quantile in seconds, as Prometheus does: straight lines within buckets.

        What lies in the last, infinite bucket counts as its lower bound. 0 if there is nothing.
        """
        wanted = share * self.observations
        below, lower = 0.0, 0.0
        for bound in sorted(self.buckets):
            upto = self.buckets[bound]
            if upto >= wanted and upto > below:
                return lower if math.isinf(bound) else lower + (bound - lower) * (wanted - below) / (upto - below)
            below, lower = upto, bound
        return 0.0

    def figures_ms(self) -> dict[str, float]:
        """Return count, mean and percentiles, in ms."""
        count = self.observations
        shown = {name: round(self.quantile(share) * 1000, 3) for name, share in HISTOGRAM_PERCENTILES.items()}
        return {"count": count, "mean": round(self.total / count * 1000, 3) if count else 0.0, **shown}


class Exposition(NamedTuple):
    """All figures of one scrape."""

    values: Mapping[str, float]
    """Counters and gauges by their full name; those with labels are summed."""
    histograms: Mapping[str, HistogramState]

    def is_same_process(self, earlier: Exposition) -> bool:
        """Whether both scrapes met one process: behind a load balancer, or after a restart, they may not have."""
        name = "process_start_time_seconds"
        return self.values.get(name) == earlier.values.get(name) and all(
            state.observations >= earlier.histograms[histogram].observations
            for histogram, state in self.histograms.items()
            if histogram in earlier.histograms
        )


def read_exposition(text: str) -> Exposition:
    """
    Read the text format.

    Raises:
        MalformedMessage: If it is not that.
    """
    values: dict[str, float] = {}
    buckets: dict[str, dict[float, float]] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if family.type == "histogram" and sample.name.endswith("_bucket"):
                    bounds = buckets.setdefault(family.name, {})
                    bound = float(sample.labels["le"])
                    bounds[bound] = bounds.get(bound, 0.0) + sample.value
                else:
                    values[sample.name] = values.get(sample.name, 0.0) + sample.value
    except (ValueError, KeyError) as error:
        raise MalformedMessage(f"no Prometheus metrics: {error}") from error
    histograms = {name: HistogramState(bounds, values.get(f"{name}_sum", 0.0)) for name, bounds in buckets.items()}
    return Exposition(values, histograms)


def total(states: Sequence[HistogramState]) -> HistogramState | None:
    """Add histograms of several processes; None if there are none."""
    if not states:
        return None
    summed = states[0]
    for state in states[1:]:
        summed = summed.plus(state)
    return summed
