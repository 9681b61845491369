"""Who is connected to this gateway, for its operators: those that lag first, at most so many."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from typing import Any, Final

from services.gateway.gateway import ConnectedClient

CONNECTIONS_TOLD_MAX: Final = 1_000
"""Connections that one answer names; `total` counts the others."""
PROGRAM_CHARACTERS_MAX: Final = 80
"""Of what a client's program says of itself; the rest is cut off."""


def program_name(agents: Collection[str]) -> str:
    """Return what a request's `User-Agent` says, in printable characters; empty if it says nothing."""
    told = " ".join(agents)[:PROGRAM_CHARACTERS_MAX]
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in told)


def connection_list(clients: Collection[ConnectedClient], now: float) -> dict[str, Any]:
    """
    Return the answer: `total`, `lagging`, and `connections`, a map each.

    Ordered by how long they lag, then by unsent bytes, then by user. O(connections).

    Args:
        clients: All.
        now: Monotonic seconds.
    """
    rows = [_row(client, now) for client in clients]
    told = heapq.nsmallest(CONNECTIONS_TOLD_MAX, rows, key=_order)
    return {"total": len(rows), "lagging": sum(row["lag_s"] is not None for row in rows), "connections": told}


def _row(client: ConnectedClient, now: float) -> dict[str, Any]:
    subscriber, since = client.subscriber, client.subscriber.lagging_since
    return {
        "user": client.session.identity.user,
        "session": client.session.session_id,
        "program": client.program,
        "encoding": client.session.encoding.value,
        "subscriptions": len(subscriber.channels),
        "lag_s": None if since is None else round(now - since, 3),
        "unsent_bytes": client.connection.get_write_buffer_size(),
        "silent_s": round(now - client.heard_at, 3),
    }


def _order(row: dict[str, Any]) -> tuple[float, int, str, str]:
    return -(-1.0 if row["lag_s"] is None else row["lag_s"]), -row["unsent_bytes"], row["user"], row["session"]
