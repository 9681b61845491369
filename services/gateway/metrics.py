"""What a gateway tells Prometheus, read from its counters at the scrape: the hot path knows nothing of metrics."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from services.gateway.client_address import Ignored
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


class AcceptStatistics:
    """
    What came of those who knocked; counters only grow.

    All are there from the start, since an alert's `increase` does not see a counter appear.
    """

    __slots__ = ("forwarded_ignored", "key_loads_failed", "opened", "refused")

    def __init__(self) -> None:
        self.key_loads_failed = 0
        """Times that the keys of tokens could not be loaded; the last good ones go on."""
        self.opened = 0
        """Streams opened."""
        self.refused = Counts({400: 0, 401: 0, 503: 0})
        """HTTP status to the requests for a stream that were refused with it."""
        self.forwarded_ignored: Counts[str] = Counts(dict.fromkeys(Ignored, 0))
        """Reason to the statements of a client's address that were ignored for it."""


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
        self.event_loop_lag = _histogram("event_loop_lag", "How late a timer runs, 20 times a second", registry)
        self.redis_round_trip = _histogram(
            "redis_round_trip", "A small command's way to Redis and back, every few seconds", registry
        )


class GatewayCollector(Collector):
    """
    Turns a gateway's counters into metrics.

    Args:
        gateway: Whose.
        feed: Its feed reader's counters.
        accepts: What came of those who knocked.
        now: Tells monotonic seconds.
    """

    def __init__(
        self, gateway: Gateway, feed: FeedStatistics, accepts: AcceptStatistics, now: Callable[[], float]
    ) -> None:
        self._gateway = gateway
        self._feed = feed
        self._accepts = accepts
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        yield from self._connections()
        yield from self._sending()
        yield from self._following()

    def _connections(self) -> Iterator[Metric]:
        gateway, accepts = self._gateway, self._accepts
        yield _gauge("connections", "Open WebSocket connections", len(gateway.clients))
        yield _gauge("connections_max", "Connections that this replica takes", gateway.limits.connections)
        subscriptions = GaugeMetricFamily(
            "outcry_gateway_subscriptions", "Subscriptions, by channel", labels=["channel"]
        )
        for kind, number in gateway.service.subscriptions().items():
            subscriptions.add_metric([kind], number)
        yield subscriptions
        yield _counter("accepts", "Streams opened", accepts.opened)
        yield _labelled(
            "accepts_refused", "Streams refused at the handshake, by HTTP status (503: too many a second)", "status",
            accepts.refused,
        )  # fmt: skip
        yield _counter(
            "key_loads_failed", "Times that the identity provider's keys could not be loaded", accepts.key_loads_failed
        )
        yield _labelled(
            "closed", "Connections closed by this replica, by close code", "code",
            {int(code): number for code, number in gateway.closed.items()},
        )  # fmt: skip
        yield _labelled(
            "forwarded_ignored", "Statements of a client's address that were ignored, by reason", "reason",
            accepts.forwarded_ignored,
        )  # fmt: skip
        yield _gauge("draining", "1 while this replica sends its users away", int(gateway.is_leaving))

    def _sending(self) -> Iterator[Metric]:
        gateway, sent = self._gateway, self._gateway.service.statistics
        yield _gauge(
            "lagging_connections", "Connections skipped because they do not keep up", len(gateway.service.lagging())
        )
        yield _counter("flushes", "Channel flushes", sent.flushes)
        yield _counter("frames_encoded", "Frames built", sent.encoded)
        yield _counter("frames_sent", "Frames written, one for each listener", sent.frames)
        yield _counter("sent_bytes", "Bytes written", sent.bytes)
        yield _counter("lagged", "Times that a connection began to lag", sent.lagged)
        aborted = CounterMetricFamily("outcry_gateway_aborted", "Connections aborted as too slow", labels=["reason"])
        aborted.add_metric(["bytes"], sent.aborted_bytes)
        aborted.add_metric(["time"], sent.aborted_time)
        yield aborted
        yield _gauge("commands_in_flight", "Commands that the engine has not answered", gateway.orders.in_flight)
        yield _counter("commands_unanswered", "Commands answered as outcome_unknown", gateway.unanswered)

    def _following(self) -> Iterator[Metric]:
        gateway, feed = self._gateway, self._feed
        yield _gauge("fed", "1 while the books are of the last seconds", int(gateway.is_fed(self._now())))
        yield _gauge("feed_silence_seconds", "Since something was heard from the engine", gateway.silence(self._now()))
        yield _gauge("feed_delay_seconds", "Engine's publishing to gateway's reading, last packet", feed.delay_s)
        yield _gauge("feed_position", "Commands applied by the engine, as far as read", gateway.market.feed_id.position)
        yield _gauge("feed_term", "Term of the leader whose packets are read", gateway.market.feed_id.term)
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


def _labelled(name: str, help_text: str, label: str, values: Mapping[int, int] | Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"outcry_gateway_{name}", help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family
