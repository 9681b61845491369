"""Requests that wait for their replies: who asked, and what for."""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.events import RequestLost

OURS_MAX: Final = 1024
"""The session's own requests that are remembered; beyond it, as only an odd server has it, the oldest is forgotten."""


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
        self._owners: dict[int, PendingRequest] = {}
        self._ours: dict[int, PendingRequest] = {}
        self._last_id = 0

    def __len__(self) -> int:
        """Count those of the owner."""
        return len(self._owners)

    def add(self, request: PendingRequest) -> int:
        """Number a request that is about to leave."""
        self._last_id += 1
        if request.is_ours and len(self._ours) >= OURS_MAX:
            del self._ours[next(iter(self._ours))]
        (self._ours if request.is_ours else self._owners)[self._last_id] = request
        return self._last_id

    def take(self, request_id: object) -> PendingRequest | None:
        """Return the request that a reply answers, once; None for an answer to nothing."""
        if not isinstance(request_id, int):
            return None
        return self._owners.pop(request_id, None) or self._ours.pop(request_id, None)

    def lose(self) -> list[RequestLost]:
        """Forget all, and return the events for the owner."""
        pending, self._owners = self._owners, {}
        self._ours.clear()
        return [RequestLost(request_id, held.op) for request_id, held in pending.items()]
