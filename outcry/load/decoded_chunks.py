"""What came from a socket, decoded once for all users of a process that get the same bytes.

A gateway writes one frame to all who follow the same books, and most reads return one frame whole, so most chunks of
a moment are equal. Every user still gets and checks their own. Only cutting and decoding equal bytes again is saved,
which is more than half of a client's cost beside the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgpack

from openoutcry.wire.errors import MalformedMessage

REMEMBERED_MAX: Final = 512
"""Chunks; beyond it all are forgotten, which costs one decoding each."""
REMEMBERED_BYTES_MAX: Final = 4096
"""Longer chunks hold snapshots; they are not worth the memory."""

Messages: TypeAlias = Sequence[Sequence[Any]]
"""One frame's messages as msgpack gives them: arrays that begin with the type. Shared: nobody may change them."""


def decode_frame(payload: bytes) -> Messages:
    """
    Decode one frame's payload.

    Raises:
        MalformedMessage: If it is no msgpack array.
    """
    try:
        messages = msgpack.unpackb(payload)
    except (ValueError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"no array of messages: {error!r}") from error
    if not isinstance(messages, list):
        raise MalformedMessage(f"no array of messages: {messages!r:.60}")
    return messages


class DecodedChunks:
    """A memory of the chunks of this moment, each a number of whole frames of messages."""

    __slots__ = ("_frames", "chunk")

    def __init__(self) -> None:
        self._frames: dict[bytes, Sequence[Messages]] = {}
        self.chunk: Final = self._frames.get
        """Return the frames of a chunk, or None if it is not remembered."""

    def remember(self, chunk: bytes, frames: Sequence[Messages]) -> None:
        """Keep a chunk's frames, if it is worth it."""
        if len(chunk) > REMEMBERED_BYTES_MAX:
            return
        if len(self._frames) >= REMEMBERED_MAX:
            self._frames.clear()
        self._frames[chunk] = frames
