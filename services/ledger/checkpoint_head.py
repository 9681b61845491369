"""What a checkpoint of the store says of itself: where it stands. The rest is the engine's own.

Pure. A mark of the ledger is such a checkpoint, verbatim; to read more than this of it an engine is needed. The form is
that of `services.matching.recovery.checkpoint`, and a test holds the two together.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from zlib import crc32

import msgpack

from openoutcry.wire.errors import MalformedMessage

HEAD_BYTES_MAX: Final = 1_024
"""More than the first fields take; no more is looked at."""


class MarkHead(NamedTuple):
    """A checkpoint's first fields."""

    shard: int
    term: int
    store_id: str
    epoch: int
    position: int
    log_id: str
    config: Any
    time: int
    """Of the last command that it holds, µs."""


def read_mark_head(data: bytes) -> MarkHead:
    """
    Read a checkpoint's first fields; O(its bytes) for the checksum.

    Raises:
        MalformedMessage: If it is none, or was damaged.
    """
    try:
        _, checksum, content = msgpack.unpackb(data)
        if crc32(content) != checksum:
            raise ValueError("its checksum is another")
        fields = msgpack.Unpacker(max_buffer_size=HEAD_BYTES_MAX)
        fields.feed(content[:HEAD_BYTES_MAX])
        fields.read_array_header()
        head = MarkHead._make(fields.unpack() for _ in MarkHead._fields)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"no checkpoint: {error!r}") from error
    if tuple(map(type, (head.epoch, head.position, head.log_id))) != (int, int, str):
        raise MalformedMessage(f"no checkpoint: its first fields are {head}")
    return head
