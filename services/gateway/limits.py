"""Every limit of a gateway, in one value; announced to clients in `welcome`."""

from __future__ import annotations

import math
from typing import NamedTuple

from openoutcry.wire.request_limits import INSTRUMENTS_IN_REQUEST_MAX, REQUEST_BYTES_MAX
from services.gateway.subscriber import LagLimits
from shared.token_bucket import Rate


class GatewayLimits(NamedTuple):
    """What one gateway allows; each is stated with what happens beyond it."""

    lag: LagLimits = LagLimits()
    requests: Rate = Rate(20, 60)
    """Requests a user and second; beyond: reply `rate_limited`."""
    orders: Rate = Rate(50, 200)
    """Orders, cancels and replaces a user and second; beyond: reply `rate_limited`."""
    controls: Rate = Rate(50, 200)
    """Control frames and fragments of a connection a second; beyond: closed with 4506."""
    refusals: Rate = Rate(100, 400)
    """Refused requests of a connection a second, whatever lies between; beyond: closed with 4506."""
    connections_per_user: int = 8
    """Beyond: closed with 4504."""
    connections: int = 15_000
    """Of this gateway; beyond: closed with 4004."""
    accepts: Rate = Rate(1000, 2000)
    """Handshakes of this gateway a second; beyond: HTTP 503, before any work is done for them."""
    attempts: Rate = Rate(50, 200)
    """Handshakes of one address a second that have led to no login; beyond: HTTP 429, unless the token is good."""
    arrivals: Rate = Rate(50, 200)
    """Handshakes and logins of one user a second; beyond: HTTP 429, and a login is charged to its address."""
    page_requests: Rate = Rate(200, 2000)
    """Requests of one address for files of the page a second: an office that begins its day has one address. Beyond:
    HTTP 429."""
    pages: Rate = Rate(1000, 4000)
    """Requests for files of the page that this gateway answers a second; beyond: HTTP 503."""
    connection_age_s: float = math.inf
    """Beyond, or up to a fifth earlier: goodbye with 4000, so that new replicas fill."""
    subscriptions: int = 256
    """Of one connection; beyond: reply `too_many_subscriptions`."""
    login_s: float = 5.0
    """Time to name the user; beyond: closed with 4500."""
    bad_requests_in_a_row: int = 20
    """Malformed requests without a good one between; beyond: closed with 4502."""
    refusals_in_a_row: int = 200
    """Rate-limited requests without a good one between; beyond: closed with 4506."""
    commands_in_flight: int = 4096
    """Commands of this gateway that the engine has not answered; beyond: reply `busy`."""
    command_s: float = 5.0
    """Time for the engine's answer; beyond: reply `outcome_unknown`."""
    presence_silence_s: float = 5.0
    """A connection of a user with cancel-on-disconnect of which nothing was heard for so long does not count as open:
    no request if it has said `present`, else not even the answer to a ping."""
    trades_without_roles: bool = True
    """Whether users may enter orders whose token does not say which roles they have; beyond: reply `not_permitted`."""
    heartbeat_s: float = 1.0
    feed_silence_s: float = 2.5
    """The engine speaks every second; after this long without a packet, users hear `status: stale`."""

    def announced(self) -> dict[str, int]:
        """Return the limits as `welcome` names them."""
        return {
            "request_bytes": REQUEST_BYTES_MAX,
            "instruments_per_request": INSTRUMENTS_IN_REQUEST_MAX,
            "requests_per_second": int(self.requests.per_second),
            "requests_burst": self.requests.burst,
            "orders_per_second": int(self.orders.per_second),
            "orders_burst": self.orders.burst,
            "connections_per_user": self.connections_per_user,
            "subscriptions": self.subscriptions,
            "unsent_bytes_soft": self.lag.soft_bytes,
            "unsent_bytes_hard": self.lag.hard_bytes,
            "lag_ms": int(self.lag.lag_s * 1000),
        }
