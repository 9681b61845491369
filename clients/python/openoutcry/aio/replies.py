"""Requests that wait for their replies."""

from __future__ import annotations

import asyncio

from openoutcry.errors import Disconnected
from openoutcry.events import ReplyReceived, RequestLost
from openoutcry.wire.messages import Reply


class Replies:
    """Futures by request id; at most as many as the session lets wait (`PENDING_REQUESTS_MAX`)."""

    def __init__(self) -> None:
        self._expected: dict[int, asyncio.Future[Reply]] = {}

    def expect(self, request_id: int) -> asyncio.Future[Reply]:
        """Return the future of a reply; it fails with `Disconnected` if the connection ends first."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._expected[request_id] = future
        return future

    def forget(self, request_id: int) -> None:
        """Wait no longer; a reply that comes later is ignored."""
        self._expected.pop(request_id, None)

    def on_event(self, event: ReplyReceived | RequestLost) -> None:
        """Wake who waits for this reply, if anyone still does."""
        request_id = event.reply.id if isinstance(event, ReplyReceived) else event.request_id
        assert isinstance(request_id, int), "the session's own ids are numbers"
        future = self._expected.pop(request_id, None)
        if future is None or future.done():
            return
        if isinstance(event, ReplyReceived):
            future.set_result(event.reply)
        else:
            future.set_exception(Disconnected(1006, f"the connection ended before {event.op} was answered"))
