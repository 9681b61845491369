"""A listener without a socket: takes the gateway's bytes as a client would, and keeps books by the client's rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding, decode_messages
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.messages import Delta, Message, Snapshot
from openoutcry.wire.sequence import Verdict
from shared.websocket_frame import PING, FrameReader

M = TypeVar("M")


class Listener:
    """A transport that hears everything at once, unless it is told not to read."""

    def __init__(self, encoding: Encoding = Encoding.MSGPACK) -> None:
        self.encoding = encoding
        self.messages: list[Message] = []
        self.frames = 0
        self.writes = 0
        self.pings = 0
        self.books: dict[tuple[str, int], DepthBook] = {}
        self.verdicts: list[Verdict] = []
        self.unsent = 0
        self.is_aborted = False
        self.review: Callable[[], object] = int
        """Called within each write, as a socket's transport reports that anything is unsent."""
        self.closed: tuple[CloseCode, str] | None = None
        self._reader = FrameReader()

    def write(self, data: bytes) -> None:
        self.writes += 1
        for frame in self._reader.receive(data):
            if frame.opcode == PING:
                self.pings += 1
                continue
            self.frames += 1
            for message in decode_messages(frame.payload, self.encoding):
                self._hear(message)
        self.review()

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.is_aborted = True

    def close(self, code: CloseCode, text: str) -> None:
        self.closed = code, text

    def heard(self, kind: type[M]) -> list[M]:
        """All messages of a kind, in order."""
        return [message for message in self.messages if isinstance(message, kind)]

    def forget(self) -> None:
        """Forget what was heard, not the books."""
        self.messages.clear()
        self.frames = self.writes = 0

    def book(self, symbol: str = "ACME", depth: int = 0) -> DepthBook:
        return self.books[symbol, depth]

    def _hear(self, message: Message) -> None:
        self.messages.append(message)
        if isinstance(message, Snapshot):
            book = self.books.setdefault((message.instrument, message.depth), DepthBook(message.instrument))
            self.verdicts.append(book.load(message))
        elif isinstance(message, Delta):
            self.verdicts.append(self.books[message.instrument, message.depth].apply(message))
