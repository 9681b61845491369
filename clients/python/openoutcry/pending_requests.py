"""Requests that wait for their replies: who asked, and what for."""

from __future__ import annotations

from typing import NamedTuple

from openoutcry.events import RequestLost


class PendingRequest(NamedTuple):
    """A request without its reply."""

    op: str
    keys: list[tuple[str, str]]
    """The subscriptions it is about; empty for other requests."""
    is_ours: bool
    """Asked by the session itself, so its owner does not hear of the reply."""
    switches_on: bool | None = None
    """What a `cancel_on_disconnect` asks for; None for other requests."""


class PendingRequests:
    """All of one session, by id; ids are never used twice, so a late reply cannot be taken for another's."""

    def __init__(self) -> None:
        self._by_id: dict[int, PendingRequest] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, request: PendingRequest) -> int:
        """Number a request that is about to leave."""
        self._last_id += 1
        self._by_id[self._last_id] = request
        return self._last_id

    def take(self, request_id: object) -> PendingRequest | None:
        """Return the request that a reply answers, once; None for an answer to nothing."""
        return self._by_id.pop(request_id, None) if isinstance(request_id, int) else None

    def lose(self) -> list[RequestLost]:
        """Forget all, and return what the owner has to be told."""
        pending, self._by_id = self._by_id, {}
        return [RequestLost(request_id, held.op) for request_id, held in pending.items() if not held.is_ours]
