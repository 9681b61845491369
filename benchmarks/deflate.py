"""permessage-deflate (RFC 7692) as a server would do it: raw deflate, flushed at each frame, its last 4 bytes cut."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from zlib import _Compress, _Decompress

TAIL: Final = b"\x00\x00\xff\xff"


class Window(NamedTuple):
    """How much a compressor remembers."""

    bits: int
    """Base 2 logarithm of the window in bytes."""
    memory_level: int
    """zlib's memLevel, 1 to 9."""


ZLIB: Final = Window(15, 8)
"""zlib's defaults, and the largest that the RFC knows."""
SMALL: Final = Window(12, 5)
"""What the `websockets` library asks for."""


def compressor(window: Window = ZLIB) -> _Compress:
    """Return a new context."""
    return zlib.compressobj(level=6, method=zlib.DEFLATED, wbits=-window.bits, memLevel=window.memory_level)


def decompressor(window: Window = ZLIB) -> _Decompress:
    """Return a new context of the other end."""
    return zlib.decompressobj(wbits=-window.bits)


def deflated(context: _Compress, payload: bytes) -> bytes:
    """Compress one frame's payload."""
    return (context.compress(payload) + context.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def alone(payload: bytes, window: Window = ZLIB) -> bytes:
    """Compress a payload without memory of earlier ones, as `server_no_context_takeover` asks."""
    return deflated(compressor(window), payload)


def sizes_in_a_row(payloads: Iterable[bytes], window: Window = ZLIB) -> list[int]:
    """Return the compressed size of each payload of a connection that remembers the earlier ones."""
    context = compressor(window)
    return [len(deflated(context, payload)) for payload in payloads]
