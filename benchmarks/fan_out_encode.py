"""`python -m benchmarks.fan_out_encode`: one frame for all users, or one for each; no sockets, only Python's part."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from random import Random
from typing import Final

from benchmarks import deflate
from benchmarks.books import book, delta, snapshot
from benchmarks.command import run
from benchmarks.deflate import SMALL
from benchmarks.measure import Effort, time_call
from benchmarks.table import Cell, Table
from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.messages import Message
from shared.websocket_frame import BINARY, server_frame

SEED: Final = 1
USERS: Final = (10, 100, 1_000)
_COMPRESSED: Final = 0x40
"""RSV1, which says that a frame is deflated."""


class _Transport:
    """Takes what is written, as a socket's transport would, and does nothing with it."""

    __slots__ = ("context",)

    def __init__(self) -> None:
        self.context = deflate.compressor(SMALL)

    def write(self, data: bytes) -> None:
        """Forget it."""


def measure(effort: Effort) -> list[Table]:
    """Return one row for each message and number of users."""
    rows = [_row(name, _messages(make), users, effort) for name, make in EXAMPLES.items() for users in USERS]
    return [
        Table(
            "fan-out-encode",
            "CPU µs of the gateway's Python to give one message to n users, up to the call of each transport's "
            "`write`, which does nothing. Deflating is with each connection's own context (2¹², 5).",
            ["message", "users", "encoded once µs", "encoded for each µs", "times more", "and deflated for each µs"],
            rows,
        )
    ]


def _messages(make: Callable[[Random], Message]) -> list[Message]:
    """Return messages that differ, more of them than a window of 2¹² bytes holds."""
    random = Random(SEED)  # noqa: S311 - examples, no secrets
    return [make(random) for _ in range(MESSAGES)]


MESSAGES: Final = 128
EXAMPLES: Final[dict[str, Callable[[Random], Message]]] = {
    "delta of 2 levels": lambda random: delta(book(100, random), 2, random),
    "delta of 40 levels": lambda random: delta(book(100, random), 40, random),
    "snapshot of 100 levels a side": lambda random: snapshot(100, random),
}
"""What to call a message, and how to make one."""


def _row(name: str, messages: list[Message], users: int, effort: Effort) -> list[Cell]:
    message, different = messages[0], cycle(messages)
    transports = [_Transport() for _ in range(users)]

    def once() -> None:
        frame = server_frame(encode_messages((message,), Encoding.MSGPACK), BINARY)
        for transport in transports:
            transport.write(frame)

    def for_each() -> None:
        for transport in transports:
            transport.write(server_frame(encode_messages((message,), Encoding.MSGPACK), BINARY))

    def deflated_for_each() -> None:
        payload = encode_messages((next(different),), Encoding.MSGPACK)
        for transport in transports:
            transport.write(server_frame(deflate.deflated(transport.context, payload), BINARY | _COMPRESSED))

    ways: list[Callable[[], None]] = [once, for_each, deflated_for_each]
    shared, own, deflated = (time_call(way, effort) for way in ways)
    return [name, users, shared, own, own.median_ns / max(shared.median_ns, 1), deflated]


if __name__ == "__main__":
    run({"benchmarks.fan_out_encode": measure})
