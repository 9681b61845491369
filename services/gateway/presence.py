"""Who is present, of the users with cancel-on-disconnect on: the gateway's side of it.

Owns the rule that an open connection counts while something arrives
from it. After `present` only a connection's requests count, since only its program's own code sends them. Any other
client is pinged (RFC 6455, section 5.5.2: every WebSocket answers by itself). That detects a cut cable or a frozen
process, and no more: a browser answers for a page that is frozen or hangs. The engine decides whether an absent user
has been away for too long.
"""

from __future__ import annotations

from typing import Final

from shared.websocket_frame import PING, server_frame

PING_FRAME: Final = server_frame(b"", PING)


class PresenceRound:
    """
    Gathers, over a round of looking at all clients, which of the users with cancel-on-disconnect on are present.

    Args:
        silence_s: A connection of which nothing was heard for so many seconds counts no longer.
    """

    __slots__ = ("_present", "_silence_s", "_somebody_came")

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._present: dict[str, None] = {}
        self._somebody_came = False

    def came(self, user: str) -> None:
        """Note such a user who has just logged in; `take` then does not wait for the end of the round."""
        self._present[user] = None
        self._somebody_came = True

    def met(self, user: str, heard_at: float, now: float) -> None:
        """Note a connection of such a user, of which something was heard then; monotonic seconds."""
        if now - heard_at <= self._silence_s:
            self._present[user] = None

    def take(self, *, is_round_over: bool) -> list[str]:
        """Return who is to be called present now, each once, and begin anew; nobody in the middle of a round."""
        if not (is_round_over or self._somebody_came):
            return []
        present, self._present, self._somebody_came = list(self._present), {}, False
        return present
