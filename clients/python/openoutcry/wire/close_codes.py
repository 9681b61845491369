"""WebSocket close codes of the protocol.

Two ranges with one meaning each: after 4000-4499 a client may reconnect, after 4500-4999 it must not before
something about it has changed. Source: docs/protocol.md, "Close codes".
"""

from __future__ import annotations

import enum
from typing import Final

REASON_BYTES_MAX: Final = 123
"""Of the reason in a close frame, in UTF-8 (RFC 6455, sections 5.5 and 7.1.6); libraries raise beyond it."""


class CloseCode(enum.IntEnum):
    """Why the server ended a connection."""

    SHUTTING_DOWN = 4000
    """As planned; `goodbye` said when to return."""
    SLOW_CONSUMER = 4001
    """Did not read for too long."""
    FEED_LOST = 4002
    """This replica hears nothing from the exchange; another may."""
    HEARTBEAT_MISSED = 4003
    """Sent by clients: the server was silent, or said what cannot be read."""
    OVER_CAPACITY = 4004
    """This replica is full; another may not be."""

    NOT_AUTHENTICATED = 4500
    """No login in time, or the token names nobody."""
    FORBIDDEN = 4501
    """The user may not do this."""
    BAD_REQUEST = 4502
    """Too many malformed requests in a row."""
    VERSION = 4503
    """This major version of the protocol is not spoken any more."""
    TOO_MANY_CONNECTIONS = 4504
    """The user has as many connections as one may have."""
    TOKEN_EXPIRED = 4505
    """Get a new token first."""
    RATE = 4506
    """Too many requests in a row beyond the rate."""


def may_reconnect(code: int) -> bool:
    """Tell whether a client that was closed with this code may connect again by itself."""
    return not 4500 <= code <= 4999


def close_reason(text: str) -> str:
    """Return as much of the text as a close frame holds: 123 bytes of UTF-8, no character cut in two."""
    return text.encode(errors="replace")[:REASON_BYTES_MAX].decode(errors="ignore")
