"""The ledger's metrics for Prometheus, in a registry of the caller's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.metric_families import MetricFamilies

_LEDGER: Final = MetricFamilies("outcry_ledger")
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class LedgerMetrics(Collector):
    """
    How the ledger stands; plain numbers, looked at when somebody asks.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.position = 0
        self.packets = 0
        self.commands = 0
        self.events = 0
        self.blocks = 0
        self.gaps = 0
        self.histories = 0
        self.database_failures = 0
        self.stopped = 0
        self.hold_share = 0.0
        """Of what the store keeps for the ledger at most."""
        self.waiting_since_us = 0
        """When the oldest packet was published that is known and not written, µs; 0: all is written."""
        self.transaction_seconds = _LEDGER.kept_histogram(
            "transaction_seconds", "One read of the feed, from its first transaction to its last", registry, _SECONDS
        )
        registry.register(self)

    def lag_s(self) -> float:
        """Return the age of the oldest packet that is not written, in seconds; 0 if there is none."""
        return max(0.0, time.time() - self.waiting_since_us / 1e6) if self.waiting_since_us else 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        yield _LEDGER.gauge(
            "lag_seconds", "Age of the oldest packet that is not written yet; 0 when it has all", self.lag_s()
        )
        yield _LEDGER.gauge(
            "hold_share",
            "Length of the feed, or of the command log, over what the store holds for the ledger; the larger",
            self.hold_share,
        )
        yield _LEDGER.gauge("gaps", "Stretches of the record that are missing and were not recomputed", self.gaps)
        yield _LEDGER.gauge("histories", "Histories of the market, by the ledger's count", self.histories)
        yield _LEDGER.gauge("position", "Commands up to which all is written", self.position)
        yield _LEDGER.counter("packets", "Packets written", self.packets)
        yield _LEDGER.counter("commands", "Commands written", self.commands)
        yield _LEDGER.counter("events", "Executions, trades, transfers and outcomes written", self.events)
        yield _LEDGER.counter("blocks", "Blocks written, each by one transaction", self.blocks)
        yield _LEDGER.counter(
            "database_failures", "Times that the database was away, full or too slow", self.database_failures
        )
        yield _LEDGER.gauge(
            "stopped", "1 while a ledger that met what it cannot write waits for a scrape before it ends", self.stopped
        )
