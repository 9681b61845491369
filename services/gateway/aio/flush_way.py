"""Which way a gateway's flushes go to its sockets: by one system call, or by one for each listener."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from structlog.typing import FilteringBoundLogger

from services.gateway.aio.ring_write import SendRing
from shared.metric_families import MetricFamilies

_GATEWAY: Final = MetricFamilies("outcry_gateway")
_REASONS: Final = {
    errno.EPERM: "forbidden here: by the container's seccomp profile, or by the setting kernel.io_uring_disabled",
    errno.ENOSYS: "the kernel has none",
    errno.EINVAL: "the kernel's is older than Linux 6.0",
}


class RingCollector(Collector):
    """Turns a ring's counters into metrics; None: there is none."""

    def __init__(self, ring: SendRing | None) -> None:
        self._ring = ring

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        yield _GATEWAY.gauge(
            "io_uring", "1 if a flush is one system call, 0 if it is one for each listener", self._ring is not None
        )
        refused = 0 if self._ring is None else self._ring.refused
        yield _GATEWAY.counter("io_uring_refused", "Calls of io_uring for which the kernel had no memory", refused)


def open_ring(is_wanted: bool, log: FilteringBoundLogger, registry: CollectorRegistry) -> SendRing | None:  # noqa: FBT001 - a setting
    """Return a ring for this thread if it is wanted and the kernel gives one; tell the log and the metrics."""
    ring = None
    if is_wanted:
        try:
            ring = SendRing()
            log.info("flushes go by io_uring")
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, str(error))
            log.info("flushes go without io_uring", reason=reason)
    registry.register(RingCollector(ring))
    return ring
