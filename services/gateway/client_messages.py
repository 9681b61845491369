"""Joins a client's frames into messages, when they are fragments, of the other opcode, or no UTF-8.

Complete frames of the connection's encoding never come here (`services.gateway.client_frames`). Owns three rules. A
message of the other opcode is refused once, at its first fragment, and its other fragments are discarded: the tail of a
refused message is no request. A message has at most so many fragments, since empty ones cost no bytes. A text that is
no UTF-8 fails the connection, as soon as that is certain (RFC 6455, section 8.1).
"""

from __future__ import annotations

import codecs
from typing import Final, NamedTuple

from websockets.frames import Frame, Opcode

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding

FRAGMENTS_MAX: Final = 64
"""Fragments of one message; beyond: closed with 4506."""
INVALID_DATA: Final = 1007
"""The close code for a text that is no UTF-8 (RFC 6455, section 7.4.1)."""

_new_utf8_decoder: Final = codecs.getincrementaldecoder("utf-8")


class RefusedMessage(NamedTuple):
    """The message is not one of the protocol's; it must be answered once."""

    text: str


class BrokenMessage(NamedTuple):
    """The connection must be closed."""

    code: int
    text: str


def opcode_of(encoding: Encoding) -> Opcode:
    """Return what a client's requests come in."""
    return Opcode.BINARY if encoding is Encoding.MSGPACK else Opcode.TEXT


class ClientMessages:
    """
    The message that is under way on one connection.

    Args:
        encoding: As negotiated.
    """

    __slots__ = ("_count", "_encoding", "_fragments", "_is_refused", "_utf8")

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._fragments: list[bytes] = []
        self._count = 0
        """Fragments of the message so far."""
        self._is_refused = False
        self._utf8: codecs.IncrementalDecoder | None = None
        """Checks the text that is under way."""

    def receive(self, frame: Frame) -> bytes | RefusedMessage | BrokenMessage | None:
        """
        Take a data frame that the library has passed, so a continuation continues something; O(bytes).

        Returns:
            The payload of a whole message, why it is refused, why the connection ends, or None: there is more to come.
        """
        is_first = frame.opcode is not Opcode.CONT
        if is_first:
            self._begin(frame.opcode)
        self._count += 1
        if self._count > FRAGMENTS_MAX:
            return BrokenMessage(CloseCode.RATE, f"a message may have {FRAGMENTS_MAX} fragments")
        if self._is_refused and not is_first:
            return None
        data = bytes(frame.data)
        if self._utf8 is not None and not self._is_text(data, is_last=frame.fin):
            return BrokenMessage(INVALID_DATA, "the text is no UTF-8")
        return self._refusal(frame.opcode) if self._is_refused else self._joined(data, is_last=frame.fin)

    def _joined(self, data: bytes, *, is_last: bool) -> bytes | None:
        self._fragments.append(data)
        if not is_last:
            return None
        payload = b"".join(self._fragments)
        self._fragments.clear()
        return payload

    def _is_text(self, data: bytes, *, is_last: bool) -> bool:
        assert self._utf8 is not None
        try:
            self._utf8.decode(data, final=is_last)
        except UnicodeDecodeError:
            return False
        return True

    def _begin(self, opcode: Opcode) -> None:
        self._count = 0
        self._fragments.clear()
        self._is_refused = opcode is not opcode_of(self._encoding)
        self._utf8 = _new_utf8_decoder() if opcode is Opcode.TEXT else None

    def _refusal(self, opcode: Opcode) -> RefusedMessage:
        return RefusedMessage(
            f"this connection speaks {self._encoding.value}; {opcode.name.lower()} frames are not understood"
        )
