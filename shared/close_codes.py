"""WebSocket close codes of the protocol.

Two ranges with one meaning each: after 4000-4499 a client may reconnect, after 4500-4999 it must not before
something about it has changed. Source: docs/protocol.md, "Close codes".
"""

from __future__ import annotations

import enum


class CloseCode(enum.IntEnum):
    """Why the server ended a connection."""

    SHUTTING_DOWN = 4000
    SLOW_CONSUMER = 4001
    FEED_LOST = 4002
    HEARTBEAT_MISSED = 4003
    OVER_CAPACITY = 4004

    NOT_AUTHENTICATED = 4500
    FORBIDDEN = 4501
    BAD_REQUEST = 4502
    VERSION = 4503
    TOO_MANY_CONNECTIONS = 4504
    TOKEN_EXPIRED = 4505
    RATE = 4506


def may_reconnect(code: int) -> bool:
    """Tell whether a client that was closed with this code may connect again by itself."""
    return not 4500 <= code <= 4999
