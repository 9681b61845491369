"""What clients send, cut into WebSocket frames: requests are unmasked here, everything else is the library's to read.

Nearly all that a client sends is one small request, in one frame, in one read. For such a frame the library's parser, a
generator that can stop at every byte, costs more than all that the gateway does with the request. So whole data frames
of the encoding spoken are taken here. The rest (control frames, fragments, other opcodes, whatever breaks RFC 6455) is
handed on as it came, whole frames as far as there are any: its rules, and the closes for breaking them, are in one
place. `benchmarks.order_parts` has what it saves.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # as it uses it itself: of C where there is one

from shared.websocket_frame import FIN

_MASKED: Final = 0x80
_SHORT_MAX: Final = 125
"""Longest payload whose size is in the frame's second byte."""
_HEADER_BYTES_MAX: Final = 14
_CONTROL: Final = 0x08
"""The bit that tells control frames from data frames."""


class ForTheLibrary(NamedTuple):
    """Bytes that are no plain request."""

    data: bytes


Cut: TypeAlias = bytes | ForTheLibrary
"""The payload of a request, or what the library is to read."""


class ClientFrames:
    """
    One client's byte stream, from a frame's first byte on.

    What is held of a frame that has not come whole is bounded by `payload_bytes_max`: the library gets a longer one as
    soon as it is announced, to refuse it, and all that comes behind.

    Args:
        opcode: Of the requests: TEXT or BINARY.
        payload_bytes_max: Longest payload that is waited for.
    """

    __slots__ = ("_first", "_held", "_in_fragments", "_payload_bytes_max")

    def __init__(self, opcode: int, payload_bytes_max: int) -> None:
        self._first = FIN | opcode
        self._payload_bytes_max = payload_bytes_max
        self._held: bytearray | None = bytearray()
        """Of a frame that has not come whole; None once the library is to have everything."""
        self._in_fragments = False

    def give_up(self) -> None:
        """
        Hand on everything from now on: the library has ended the conversation, or is within a frame already.

        What `receive` returned behind the bytes that ended it counts no more.
        """
        self._held = None

    def receive(self, data: bytes) -> list[Cut]:
        """Take bytes as they came, and return what they complete, in order; O(bytes)."""
        held = self._held
        if held is None:
            return [ForTheLibrary(data)]
        size = len(data) - 6
        if (
            not held
            and 0 < size <= _SHORT_MAX
            and data[1] == size | _MASKED
            and data[0] == self._first
            and not self._in_fragments
        ):
            return [apply_mask(data[6:], data[2:6])]  # one short frame and nothing else, as nearly always
        held += data
        return self._cut(held)

    def _cut(self, held: bytearray) -> list[Cut]:
        found: list[Cut] = []
        at = 0
        while at < len(held):
            start, size = _payload(held, at)
            if size > self._payload_bytes_max or not (at + 1 == len(held) or held[at + 1] & _MASKED):
                self._held = None  # it will be refused: not a byte behind it counts any more
                found.append(ForTheLibrary(bytes(held[at:])))
                return found
            end = start + size
            if end > len(held):
                break
            found.append(self._take(bytes(held[at:end]), start - at))
            at = end
        del held[:at]  # what is left stays where it is: a frame may come byte by byte
        return found

    def _take(self, frame: bytes, start: int) -> Cut:
        first = frame[0]
        if first == self._first and not self._in_fragments:
            return apply_mask(frame[start:], frame[start - 4 : start])
        if not first & _CONTROL:
            self._in_fragments = not first & FIN
        return ForTheLibrary(frame)


def _payload(data: bytearray, at: int) -> tuple[int, int]:
    """Return where the payload of the frame at `at` begins, and its size; beyond the data if that is not told yet."""
    if at + 2 > len(data):
        return at + _HEADER_BYTES_MAX, 0
    size = data[at + 1] & ~_MASKED
    if size < 126:
        return at + 6, size
    width = 2 if size == 126 else 8
    if at + 2 + width > len(data):
        return at + _HEADER_BYTES_MAX, 0
    return at + 6 + width, int.from_bytes(data[at + 2 : at + 2 + width], "big")
