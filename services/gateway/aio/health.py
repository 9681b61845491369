"""Whether this replica is alive and wants users, beside the stream on the same port.

To a balancer, 404 means: keep existing users, bring nobody new. 503 means: take them elsewhere. A replica that is full,
or whose feed has just fallen silent, keeps its users. They know that the books are stale, and while the store fails
over no other replica has newer ones. Users should leave only a replica that stays without a feed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry

from services.gateway.aio.feed_reader import FeedReader
from services.gateway.gateway import Gateway
from services.gateway.metrics import AcceptStatistics, GatewayCollector
from shared.aio.health_pages import HealthPages, Readiness

UNFED_KEEPS_S: Final = 15.0
"""Without a feed for longer than this, a replica lets its users be taken elsewhere."""


def gateway_pages(
    gateway: Gateway,
    feed_reader: FeedReader,
    accepts: AcceptStatistics,
    now: Callable[[], float],
    registry: CollectorRegistry,
) -> HealthPages:
    """
    Make the pages of a gateway.

    Args:
        gateway: Whose.
        feed_reader: What feeds it.
        accepts: What came of those who connected.
        now: Tells monotonic seconds.
        registry: What `/metrics` shows, beside the gateway's counters.
    """
    registry.register(GatewayCollector(gateway, feed_reader.statistics, accepts, now))
    return HealthPages(registry, lambda: readiness(gateway, feed_reader, now()))


def readiness(gateway: Gateway, feed_reader: FeedReader, now: float) -> Readiness:
    """Tell whether a balancer may bring users: fed within the last seconds, not full, not leaving."""
    if gateway.is_leaving:
        return Readiness(404, "draining: shutting down")
    if not gateway.is_fed(now):
        what = feed_reader.unreachable or feed_reader.missing
        reason = f"the feed is {gateway.feed_state}" + (f": {what}" if what else "")
        keeps_users = gateway.silence(now) <= UNFED_KEEPS_S
        return Readiness(404 if keeps_users else 503, reason)
    if not gateway.has_keys:
        return Readiness(503, "the keys of tokens have not been loaded yet")
    if len(gateway.clients) >= gateway.limits.connections:
        return Readiness(404, f"full: {len(gateway.clients)} connections")
    return Readiness(200, "ready")
