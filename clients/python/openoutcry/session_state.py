"""Where a conversation with the exchange stands, and which state may follow which."""

from __future__ import annotations

import enum
from typing import Final


class SessionState(enum.Enum):
    """Where the conversation stands."""

    OFFLINE = enum.auto()
    GREETING = enum.auto()
    """Connected, the server's welcome not yet heard."""
    OPEN = enum.auto()
    CLOSING = enum.auto()
    """The owner was asked to close; nothing more is read or sent."""


TRANSITIONS: Final = {
    SessionState.OFFLINE: (SessionState.GREETING,),
    SessionState.GREETING: (SessionState.OPEN, SessionState.CLOSING, SessionState.OFFLINE),
    SessionState.OPEN: (SessionState.CLOSING, SessionState.OFFLINE),
    SessionState.CLOSING: (SessionState.OFFLINE,),
}
"""Every other pair is a mistake of ours."""
