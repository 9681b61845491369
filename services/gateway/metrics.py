"""A gateway's metrics for Prometheus, read from its counters at the scrape: the hot path knows nothing of metrics."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from services.gateway.client_address import Ignored
from services.gateway.gateway import Gateway
from shared.metric_families import MetricFamilies

_GATEWAY: Final = MetricFamilies("outcry_gateway")
_HOP_SECONDS: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1, 5)


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
    Attempts to connect, by outcome. Counters only grow.

    All are there from the start, since an alert's `increase` does not see a counter appear.
    """

    __slots__ = ("forwarded_ignored", "key_loads_failed", "opened", "refused")

    def __init__(self) -> None:
        self.key_loads_failed = 0
        """Times that the keys of tokens could not be loaded; the last good ones go on."""
        self.opened = 0
        """Streams opened."""
        self.refused = Counts({400: 0, 401: 0, 403: 0, 503: 0})
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

        def hop(name: str, help_text: str) -> Histogram:
            return _GATEWAY.kept_histogram(f"{name}_seconds", help_text, registry, _HOP_SECONDS)

        self.read_delay = hop("read_delay", "Engine's publishing to this gateway's reading, a packet")
        self.flush_wait = hop("flush_wait", "Oldest unsent packet's reading to the beginning of the flush, a flush")
        self.flush = hop("flush", "Encoding and writing one flush to all of its listeners")
        self.event_loop_lag = hop("event_loop_lag", "How late a timer runs, 20 times a second")
        self.redis_round_trip = hop("redis_round_trip", "A small command's way to Redis and back, every few seconds")


class GatewayCollector(Collector):
    """
    Turns a gateway's counters into metrics.

    Args:
        gateway: Whose.
        feed: Its feed reader's counters.
        accepts: Attempts to connect, by outcome.
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
        yield _GATEWAY.gauge("connections", "Open WebSocket connections", len(gateway.clients))
        yield _GATEWAY.gauge("connections_max", "Connections that this replica takes", gateway.limits.connections)
        yield _GATEWAY.gauges("subscriptions", "Subscriptions, by channel", "channel", gateway.service.subscriptions())
        yield _GATEWAY.counter("accepts", "Streams opened", accepts.opened)
        yield _GATEWAY.counters_by(
            "accepts_refused", "Streams refused at the handshake, by HTTP status (503: too many a second)", "status",
            accepts.refused,
        )  # fmt: skip
        yield _GATEWAY.counter(
            "key_loads_failed", "Times that the identity provider's keys could not be loaded", accepts.key_loads_failed
        )
        yield _GATEWAY.counters_by(
            "closed", "Connections closed by this replica, by close code", "code",
            {int(code): number for code, number in gateway.closed.items()},
        )  # fmt: skip
        yield _GATEWAY.counters_by(
            "forwarded_ignored", "Statements of a client's address that were ignored, by reason", "reason",
            accepts.forwarded_ignored,
        )  # fmt: skip
        yield _GATEWAY.gauge("draining", "1 while this replica sends its users away", int(gateway.is_leaving))

    def _sending(self) -> Iterator[Metric]:
        gateway, sent = self._gateway, self._gateway.service.statistics
        yield _GATEWAY.gauge(
            "lagging_connections", "Connections skipped because they do not keep up", len(gateway.service.lagging())
        )
        yield _GATEWAY.counter("flushes", "Channel flushes", sent.flushes)
        yield _GATEWAY.counter("frames_encoded", "Frames built", sent.encoded)
        yield _GATEWAY.counter("frames_sent", "Frames written, one for each listener", sent.frames)
        yield _GATEWAY.counter("sent_bytes", "Bytes written", sent.bytes)
        yield _GATEWAY.counter("lagged", "Times that a connection began to lag", sent.lagged)
        yield _GATEWAY.counters_by(
            "aborted", "Connections aborted as too slow", "reason",
            {"bytes": sent.aborted_bytes, "time": sent.aborted_time},
        )  # fmt: skip
        yield _GATEWAY.gauge(
            "commands_in_flight", "Commands that the engine has not answered", gateway.orders.in_flight
        )
        yield _GATEWAY.counter("commands_unanswered", "Commands answered as outcome_unknown", gateway.unanswered)

    def _following(self) -> Iterator[Metric]:
        gateway, feed = self._gateway, self._feed
        yield _GATEWAY.gauge("fed", "1 while the books are current", int(gateway.is_fed(self._now())))
        yield _GATEWAY.gauge(
            "feed_silence_seconds", "Time since the last packet of the engine", gateway.silence(self._now())
        )
        yield _GATEWAY.gauge(
            "feed_delay_seconds", "Engine's publishing to gateway's reading, last packet", feed.delay_s
        )
        yield _GATEWAY.gauge(
            "feed_position", "Commands applied by the engine, as far as read", gateway.market.feed_id.position
        )
        yield _GATEWAY.gauge("feed_term", "Term of the leader whose packets are read", gateway.market.feed_id.term)
        yield _GATEWAY.counter("feed_packets", "Packets read", feed.packets)
        yield _GATEWAY.counter("feed_resyncs", "Times that the snapshots were loaded", feed.resyncs)
        yield _GATEWAY.counter("redis_reconnects", "Times that Redis was away", feed.reconnects)
        yield _GATEWAY.counter("corrupt_entries", "Feed entries that could not be read", feed.corrupt_entries)
