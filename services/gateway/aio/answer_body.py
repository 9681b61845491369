"""The body of a plain answer on its way to a peer that may read slowly: in parts, each once the last one is gone.

Many such peers share one body, and each holds a part of it, its own and the kernel's, until its time is over.
"""

from __future__ import annotations

import asyncio
from typing import Final

PART_BYTES: Final = 64 * 1024
BODY_S: Final = 30.0
"""Time for a peer to take a body; then the connection is aborted."""
BODIES_MAX: Final = 512
"""Peers that have yet to take one; beyond it the oldest is aborted. An honest one is here for milliseconds."""
AT_ONCE_BYTES: Final = 4 * 1024
"""A shorter body goes with its headers."""


class AnswerBody:
    """
    One body for one peer.

    Args:
        transport: Where it goes; it reports when all is sent, not when most is.
        body: What goes.
    """

    __slots__ = ("_body", "_transport")

    def __init__(self, transport: asyncio.Transport, body: bytes) -> None:
        self._transport = transport
        self._body = memoryview(body)

    def go_on(self) -> None:
        """Send as much as the peer takes; close behind the last of it."""
        transport = self._transport
        while self._body and not transport.is_closing() and not transport.get_write_buffer_size():
            part, self._body = self._body[:PART_BYTES], self._body[PART_BYTES:]
            transport.write(part)
        if not self._body:
            transport.close()
