"""Cuts clients' bytes into WebSocket frames: requests are unmasked here, the library reads everything else.

Nearly all that a client sends is one small request, in one frame, in one read. For such a frame the library's parser, a
generator that can stop at every byte, costs more than all that the gateway does with the request. So complete data
frames of the connection's encoding are taken here. The rest (control frames, fragments, other opcodes, everything that
breaks RFC 6455) is handed on unchanged, frame by frame. So its rules, and the closes for breaking them, are in one
place. `benchmarks.order_parts` has what it saves.

Frames are handed out one at a time, so a reader may stop after any of them and go on later.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # as it uses it itself: of C where there is one

from shared.websocket_frame import FIN

PLAIN_BYTES_MAX: Final = 1024
"""Longest request that is read whenever it comes; a longer one costs up to milliseconds, and is read in turns."""

_MASKED: Final = 0x80
_SHORT_MAX: Final = 125
"""Longest payload whose size is in the frame's second byte."""
_TWO_BYTES: Final = 126 | _MASKED
"""The second byte of a frame whose size is in the next two."""
_HEADER_BYTES_MAX: Final = 14
_CONTROL: Final = 0x08
"""The bit that marks control frames."""
_OPCODE: Final = 0x0F
_NOTHING: Final = -1
"""A first byte that no frame has."""


class ForTheLibrary(NamedTuple):
    """A frame that is no plain request, as it came; or what cannot be read as a frame, and all behind it."""

    data: bytes

    @property
    def opcode(self) -> int:
        """What the frame says it is."""
        return self.data[0] & _OPCODE


Cut: TypeAlias = bytes | ForTheLibrary
"""The payload of a request, or what the library is to read."""


class ClientFrames:
    """
    One client's byte stream, from a frame's first byte on.

    What is held is at most what was received last, and before it one frame that has not come whole, which
    `payload_bytes_max` bounds: the library gets a longer one as soon as it is announced, to refuse it.

    Args:
        opcode: Of the requests: TEXT or BINARY.
        payload_bytes_max: Longest payload that is waited for; may be changed between frames.
    """

    __slots__ = ("_at", "_first", "_held", "_in_fragments", "_is_over", "payload_bytes_max")

    def __init__(self, opcode: int, payload_bytes_max: int) -> None:
        self._first = FIN | opcode
        self.payload_bytes_max = payload_bytes_max
        self._held = bytearray()
        """What has not been handed out, from `_at` on."""
        self._at = 0
        self._in_fragments = False
        self._is_over = False

    def end(self) -> None:
        """Take nothing any more: the conversation is over, whatever comes behind."""
        self._is_over = True
        self._first = _NOTHING
        self._at = 0
        self._held.clear()

    def receive(self, data: bytes) -> bytes | None:
        """
        Take bytes as they came; O(bytes).

        Returns:
            The payload, if the bytes are one request of at most PLAIN_BYTES_MAX and nothing else, as nearly always.
            Otherwise None: then `next_cut` hands out what they complete.
        """
        if data[0] == self._first and not self._held and not self._in_fragments and len(data) > 8:
            size = len(data) - 6
            if size <= _SHORT_MAX:
                if data[1] == size | _MASKED:
                    return apply_mask(data[6:], data[2:6])
            elif data[1] == _TWO_BYTES and int.from_bytes(data[2:4], "big") == size - 2 <= PLAIN_BYTES_MAX:
                return apply_mask(data[8:], data[4:8])
        if not self._is_over:
            self._held += data
        return None

    def next_cut(self) -> Cut | None:
        """Return the next of what has been received, in order; None if nothing more is complete."""
        held, at = self._held, self._at
        if at >= len(held):
            self._keep()
            return None
        start, size = _payload(held, at)
        if size > self.payload_bytes_max or not (at + 1 == len(held) or held[at + 1] & _MASKED):
            rest = ForTheLibrary(bytes(held[at:]))  # it will be refused: not a byte behind it counts any more
            self.end()
            return rest
        end = start + size
        if end > len(held):
            self._keep()
            return None
        self._at = end
        return self._take(bytes(held[at:end]), start - at)

    def _keep(self) -> None:
        """Keep an incomplete frame where it is: a frame may come byte by byte, and is not copied for each."""
        if self._at:
            del self._held[: self._at]
            self._at = 0

    def _take(self, frame: bytes, start: int) -> Cut:
        first = frame[0]
        if first == self._first and not self._in_fragments:
            return apply_mask(frame[start:], frame[start - 4 : start])
        if not first & _CONTROL:
            self._in_fragments = not first & FIN
        return ForTheLibrary(frame)


def _payload(data: bytearray, at: int) -> tuple[int, int]:
    """Return where the payload of the frame at `at` begins, and its size; beyond the data if that has not arrived."""
    if at + 2 > len(data):
        return at + _HEADER_BYTES_MAX, 0
    size = data[at + 1] & ~_MASKED
    if size < 126:
        return at + 6, size
    width = 2 if size == 126 else 8
    if at + 2 + width > len(data):
        return at + _HEADER_BYTES_MAX, 0
    return at + 6 + width, int.from_bytes(data[at + 2 : at + 2 + width], "big")
