"""One user's connection: bytes in, frames cut, the follower asked. As little as a client can be."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Final, cast

from openoutcry.wire.errors import MalformedMessage
from outcry.load.counts import LoadCounts
from outcry.load.decoded_chunks import DecodedChunks, Messages, decode_frame
from outcry.load.follower import Follower
from outcry.load.handshake import opening_request, opening_response
from shared.websocket_frame import BINARY, CLOSE, PING, PONG, FrameReader, client_frame

SLOW_RECEIVE_BYTES: Final = 4096
"""What the kernel may hold for a user who does not read, so that the gateway feels it soon."""


class UserConnection(asyncio.Protocol):
    """
    A WebSocket client of one user.

    Args:
        follower: The user's conversation.
        counts: Where to count bytes.
        decoded: Memory of chunks, shared by the users of the process.
        host: `name:port`, for the handshake.
        path: Such as /v1/stream.
        token: The user's.
        on_whole: Called once, when every book is in sync.
    """

    __slots__ = (
        "_counts",
        "_decoded",
        "_follower",
        "_frames",
        "_head",
        "_host",
        "_is_between_frames",
        "_key",
        "_on_whole",
        "_path",
        "_token",
        "_transport",
        "closed",
        "opened",
        "was_left",
        "was_whole",
    )

    def __init__(
        self,
        follower: Follower,
        counts: LoadCounts,
        decoded: DecodedChunks,
        host: str,
        path: str,
        token: str,
        on_whole: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.opened: Final[asyncio.Future[None]] = loop.create_future()
        """Done when the handshake is; fails with what the server said instead."""
        self.closed: Final[asyncio.Future[str]] = loop.create_future()
        """Done when the connection is gone, with the reason as far as it is known."""
        self.was_left = False
        """Whether the user ended it by plan."""
        self.was_whole = False
        """Whether every book has been in sync on it."""
        self._follower = follower
        self._counts = counts
        self._decoded = decoded
        self._host = host
        self._path = path
        self._token = token
        self._on_whole = on_whole
        self._key = os.urandom(16)
        self._head = b""
        self._frames = FrameReader()
        self._is_between_frames = True
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has its methods, not its class
        self._transport.write(opening_request(self._host, self._path, self._token, self._key))

    def data_received(self, data: bytes) -> None:
        """Take bytes as they came."""
        now_us = time.time_ns() // 1000
        self._counts.bytes += len(data)
        try:
            if not self.opened.done():
                data = self._open(data, now_us)
            self._follow(data, now_us)
        except MalformedMessage as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"closed during the handshake: {exc}"))
        if not self.closed.done():
            self.closed.set_result(str(exc or "closed"))

    def send_requests(self) -> None:
        """Send what the follower has to say."""
        assert self._transport is not None
        for payload in self._follower.requests_to_send():
            self._transport.write(client_frame(payload, BINARY, os.urandom(4)))

    def stop_reading(self) -> None:
        """Read nothing any more, and let the kernel take little: what a browser tab that hangs does to a server."""
        assert self._transport is not None
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_RECEIVE_BYTES)
        self._transport.pause_reading()

    def leave(self) -> None:
        """End the connection by plan, without a word: as a lid that is closed."""
        self.was_left = True
        self.abort("left by plan")

    def abort(self, reason: str) -> None:
        """Drop the connection at once."""
        if not self.closed.done():
            self.closed.set_result(reason)
        if self._transport is not None:
            self._transport.abort()

    def _open(self, data: bytes, now_us: int) -> bytes:
        self._head += data
        rest = opening_response(self._head, self._key)
        if rest is None:
            return b""
        self.opened.set_result(None)
        self._follower.connected(now_us)
        self.send_requests()
        return rest

    def _follow(self, data: bytes, now_us: int) -> None:
        follower = self._follower
        known = self._decoded.chunk(data) if self._is_between_frames else None
        for messages in self._cut(data) if known is None else known:
            follower.receive(messages, now_us)
        if follower.has_requests:
            self.send_requests()
        if not self.was_whole and self.opened.done() and follower.is_whole:
            self.was_whole = True
            self._on_whole()

    def _cut(self, data: bytes) -> list[Messages]:
        """Cut a chunk into frames, answer those that control, and return the messages of the others."""
        was_between_frames = self._is_between_frames
        frames = self._frames.receive(data)
        self._is_between_frames = not self._frames.held
        found = [decode_frame(payload) for opcode, payload in frames if opcode == BINARY]
        if was_between_frames and self._is_between_frames and len(found) == len(frames):
            self._decoded.remember(data, found)
        for opcode, payload in frames:
            if opcode != BINARY:
                self._control(opcode, payload)
        return found

    def _control(self, opcode: int, payload: bytes) -> None:
        assert self._transport is not None
        if opcode == PING:
            self._transport.write(client_frame(payload, PONG, os.urandom(4)))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.abort(f"closed with {code} {payload[2:].decode('utf-8', 'replace')}".rstrip())

    def _fail(self, error: MalformedMessage) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
        self.abort(str(error))
