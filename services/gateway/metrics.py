"""What a gateway tells Prometheus, read from its counters at the scrape: the hot path knows nothing of metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from services.gateway.gateway import Gateway

_HOP_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1, 5)


class FeedStatistics:
    """What the feed reader has done since it began; counters only grow."""

    __slots__ = ("corrupt_entries", "delay_s", "packets", "reconnects", "resyncs")

    def __init__(self) -> None:
        self.packets = 0
        self.resyncs = 0
        """Times that the snapshots were loaded, the first included."""
        self.reconnects = 0
        """Times that Redis was away."""
        self.corrupt_entries = 0
        self.delay_s = 0.0
        """From the engine's publishing to this gateway's reading, of the last packet."""


class HopTimes:
    """
    Where a change's time goes within this gateway; recorded for packets and flushes, never for a single client.

    Args:
        registry: Where the histograms are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.read_delay = _histogram("read_delay", "Engine's publishing to this gateway's reading, a packet", registry)
        self.flush_wait = _histogram(
            "flush_wait", "Oldest unsent packet's reading to the beginning of the flush, a flush", registry
        )
        self.flush = _histogram("flush", "Encoding and writing one flush to all of its listeners", registry)


class GatewayCollector(Collector):
    """
    Turns a gateway's counters into metrics.

    Args:
        gateway: Whose.
        feed: Its feed reader's counters.
    """

    def __init__(self, gateway: Gateway, feed: FeedStatistics) -> None:
        self._gateway = gateway
        self._feed = feed

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        gateway, feed, sent = self._gateway, self._feed, self._gateway.service.statistics
        yield _gauge("connections", "Open WebSocket connections", len(gateway.clients))
        yield _gauge(
            "lagging_connections", "Connections skipped because they do not keep up", len(gateway.service.lagging())
        )
        yield _gauge("commands_in_flight", "Commands that the engine has not answered", gateway.orders.in_flight)
        yield _gauge("feed_delay_seconds", "Engine's publishing to gateway's reading, last packet", feed.delay_s)
        yield _gauge("feed_position", "Commands applied by the engine, as far as read", gateway.market.feed_id.position)
        yield _counter("flushes", "Channel flushes", sent.flushes)
        yield _counter("frames_encoded", "Frames built", sent.encoded)
        yield _counter("frames_sent", "Frames written, one for each listener", sent.frames)
        yield _counter("sent_bytes", "Bytes written", sent.bytes)
        yield _counter("lagged", "Times that a connection began to lag", sent.lagged)
        aborted = CounterMetricFamily("outcry_gateway_aborted", "Connections aborted as too slow", labels=["reason"])
        aborted.add_metric(["bytes"], sent.aborted_bytes)
        aborted.add_metric(["time"], sent.aborted_time)
        yield aborted
        yield _counter("feed_packets", "Packets read", feed.packets)
        yield _counter("feed_resyncs", "Times that the snapshots were loaded", feed.resyncs)
        yield _counter("redis_reconnects", "Times that Redis was away", feed.reconnects)
        yield _counter("corrupt_entries", "Feed entries that could not be read", feed.corrupt_entries)


def _histogram(name: str, help_text: str, registry: CollectorRegistry) -> Histogram:
    return Histogram(f"outcry_gateway_{name}_seconds", help_text, buckets=_HOP_SECONDS, registry=registry)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"outcry_gateway_{name}", help_text, value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"outcry_gateway_{name}", help_text, value)
