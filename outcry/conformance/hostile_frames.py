"""WebSocket frames as no decent client would send them. Source: RFC 6455, section 5.2."""

from __future__ import annotations

from typing import Final

CONTINUATION: Final = 0x0
FIN: Final = 0x80
MASK: Final = b"\x01\x02\x03\x04"
"""Any four bytes will do: nothing here is secret, and no proxy is to be protected from this client."""


def raw_frame(payload: bytes, opcode: int, *, fin: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """
    Build a frame, right or wrong.

    Args:
        payload: Its content.
        opcode: 0 to 15.
        fin: Whether it ends its message.
        reserved: The three reserved bits, 0 to 7; no extension gives them a meaning.
        masked: Clients must.
    """
    first = (FIN if fin else 0) | reserved << 4 | opcode
    header = bytes((first,)) + _length(len(payload), 0x80 if masked else 0)
    return header + (MASK + _masked(payload) if masked else payload)


def header_only(payload_bytes: int, opcode: int) -> bytes:
    """Announce a payload that is never sent."""
    return bytes((FIN | opcode,)) + _length(payload_bytes, 0x80) + MASK


def _length(size: int, mask_bit: int) -> bytes:
    if size < 126:
        return bytes((mask_bit | size,))
    if size < 1 << 16:
        return bytes((mask_bit | 126,)) + size.to_bytes(2, "big")
    return bytes((mask_bit | 127,)) + size.to_bytes(8, "big")


def _masked(payload: bytes) -> bytes:
    size = len(payload)
    repeated = (MASK * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
