"""WebSocket frames as bytes: the gateway's one write for all, and the load client's minimal reader.

Server frames carry no mask, and compression is off, so one frame is valid for every client. Fragmented messages are
never sent and not understood. Source: RFC 6455, section 5.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openoutcry.wire.errors import MalformedMessage

FIN: Final = 0x80
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA


def server_frame(payload: bytes, opcode: int) -> bytes:
    """Build one whole, unmasked frame."""
    return frame_head(len(payload), opcode) + payload


def frame_head(size: int, opcode: int) -> bytes:
    """Build what comes before the payload of such a frame; for payloads that stand in pieces."""
    return _header(size, opcode, mask_bit=0)


def client_frame(payload: bytes, opcode: int, mask: bytes) -> bytes:
    """Build one whole frame under a 4-byte mask, as RFC 6455 asks of clients."""
    size = len(payload)
    repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(payload, "big") ^ repeated).to_bytes(size, "big")
    return _header(size, opcode, mask_bit=0x80) + mask + masked


def _header(size: int, opcode: int, mask_bit: int) -> bytes:
    first = FIN | opcode
    if size < 126:
        return bytes((first, mask_bit | size))
    if size < 1 << 16:
        return bytes((first, mask_bit | 126)) + size.to_bytes(2, "big")
    return bytes((first, mask_bit | 127)) + size.to_bytes(8, "big")


class Frame(NamedTuple):
    """A frame from the server."""

    opcode: int
    payload: bytes


class FrameReader:
    """
    Cut a server's byte stream into frames.

    Args:
        payload_bytes_max: Longest payload accepted; a longer one is the peer's error.
    """

    __slots__ = ("_buffer", "payload_bytes_max")

    def __init__(self, payload_bytes_max: int = 64 * 1024 * 1024) -> None:
        self._buffer = b""
        self.payload_bytes_max = payload_bytes_max

    @property
    def held(self) -> int:
        """How many bytes of an incomplete frame are held."""
        return len(self._buffer)

    def receive(self, data: bytes) -> list[Frame]:
        """
        Take bytes as they came and return the frames that they complete, in order.

        Raises:
            MalformedMessage: For masked, fragmented or oversized frames.
        """
        if self._buffer:
            data = self._buffer + data
        frames: list[Frame] = []
        at, available = 0, len(data)
        while available - at >= 2:
            size = data[at + 1]
            start = at + 2
            if size & 0x80:
                raise MalformedMessage("a masked frame from the server")
            if size >= 126:
                width = 2 if size == 126 else 8
                if available - start < width:
                    break
                size = int.from_bytes(data[start : start + width], "big")
                start += width
            if not data[at] & FIN or size > self.payload_bytes_max:
                raise MalformedMessage(f"a fragmented or oversized frame from the server: {data[at:start].hex()}")
            if available - start < size:
                break
            frames.append(Frame(data[at] & 0x0F, data[start : start + size]))
            at = start + size
        self._buffer = data[at:]
        return frames
