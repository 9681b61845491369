"""What the gateway's shell gives to its parts: each gets one frozen value, and none knows the server that made it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from services.gateway.aio.handshake_queue import HandshakeQueue, PendingConnections
from services.gateway.aio.read_queue import ReadQueue
from services.gateway.attempts import HandshakeShares
from services.gateway.client_address import TrustedProxies
from services.gateway.gateway import Gateway
from services.gateway.metrics import AcceptStatistics, HopTimes
from services.gateway.page_files import PageFiles
from services.gateway.replica import Changes, MarketReplica
from shared.aio.health_pages import HealthPages

# Slotted classes, not named tuples: each frame of each client looks some of these fields up.


@dataclass(frozen=True, slots=True)
class ConnectionPorts:
    """What all connections of a gateway share."""

    gateway: Gateway
    replica: Callable[[], str]
    """Names this gateway to its users, such as `gateway-2:8101`: each session's name begins with it."""
    now: Callable[[], float]
    """Monotonic seconds."""
    time_us: Callable[[], int]
    """Unix time in microseconds."""
    wake: Callable[[], None]
    """Has what clients have asked for passed on; cheap, and safe to call too often."""
    loop: asyncio.AbstractEventLoop
    pending: PendingConnections
    handshakes: HandshakeQueue
    read_queue: ReadQueue
    shares: HandshakeShares
    """Of handshakes: who may still have one answered."""
    trusted_proxies: TrustedProxies
    bodies: PendingConnections
    """Those that have yet to take a long answer."""
    pages: HealthPages
    """What operators and balancers ask by plain HTTP."""
    page: PageFiles
    """What a browser asks."""
    page_origins: frozenset[str]
    """Origins, beside this gateway's own, whose pages may open a stream."""
    statistics: AcceptStatistics
    log: FilteringBoundLogger
    websocket_log: logging.Logger


@dataclass(frozen=True, slots=True)
class FeedPorts:
    """What a feed reader reads for."""

    market: MarketReplica
    now: Callable[[], float]
    """Monotonic seconds."""
    time_us: Callable[[], int]
    """Unix time in microseconds."""
    hops: HopTimes
    packets_read: Callable[[Changes], None]
    """Passes on what packets or snapshots changed."""
    place_lost: Callable[[str], None]
    """Says why there is no place in the feed to go on from."""
