"""`python -m benchmarks.snapshot_or_delta`: what a change costs as a snapshot of the book, and as a delta."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Final

from benchmarks.books import book, delta, snapshot
from benchmarks.command import run
from benchmarks.measure import Effort, time_call
from benchmarks.table import Cell, Table
from openoutcry.wire.codec import Encoding, decode_messages, encode_messages
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.messages import Delta, Message, Snapshot
from openoutcry.wire.sequence import Verdict
from shared.websocket_frame import BINARY, server_frame

SEED: Final = 1
DEPTHS: Final = (10, 100, 1_000, 5_000)
"""Levels a side."""
CHANGED: Final = (1, 2, 10)
"""Levels that a delta names."""
USERS: Final = 1_000
UPDATES_PER_SECOND: Final = 20


def measure(effort: Effort) -> list[Table]:
    """Return the table of costs, and the arithmetic of fan-out that follows from its sizes."""
    costs: list[list[Cell]] = []
    fan_out: list[list[Cell]] = []
    for depth in DEPTHS:
        whole = _frame(snapshot(depth, _random()))
        costs.append([depth, "snapshot", len(whole), *_cost_of_snapshot(depth, effort), 1.0])
        row: list[Cell] = [depth, _megabytes(len(whole))]
        for changed in CHANGED:
            frame = _frame(delta(book(depth, _random()), changed, _random()))
            name = f"delta of {changed} level{'s' if changed > 1 else ''}"
            costs.append([depth, name, len(frame), *_cost_of_delta(depth, changed, effort), len(whole) / len(frame)])
            row.append(_megabytes(len(frame)))
        fan_out.append(row)
    return [
        Table(
            "snapshot-or-delta",
            "One change as a complete book or as a delta, in msgpack: bytes of the frame, CPU µs of the gateway to "
            "encode it, and of a Python client to decode and apply it and check the digest.",
            ["levels a side", "message", "bytes", "encode µs", "decode and apply µs", "times smaller"],
            costs,
        ),
        Table(
            "fan-out-bytes",
            f"Arithmetic, not a measurement: MB/s of payload and frame headers for {USERS:,} users of one book that "
            f"changes {UPDATES_PER_SECOND} times a second, from the sizes above.",
            ["levels a side", "snapshot each time", *(f"deltas of {n}" for n in CHANGED)],
            fan_out,
        ),
    ]


def _random() -> Random:
    return Random(SEED)  # noqa: S311 - examples, no secrets


def _frame(message: Message) -> bytes:
    return server_frame(encode_messages((message,), Encoding.MSGPACK), BINARY)


def _megabytes(frame_bytes: int) -> float:
    return frame_bytes * USERS * UPDATES_PER_SECOND / 1e6


def _cost_of_snapshot(depth: int, effort: Effort) -> list[Cell]:
    message = snapshot(depth, _random())
    payload = encode_messages((message,), Encoding.MSGPACK)
    replica = DepthBook(message.instrument)

    def receive() -> None:
        [found] = decode_messages(payload, Encoding.MSGPACK)
        assert isinstance(found, Snapshot)
        assert replica.load(found) is Verdict.APPLY

    return [time_call(partial(_frame, message), effort), time_call(receive, effort)]


def _cost_of_delta(depth: int, changed: int, effort: Effort) -> list[Cell]:
    """Apply two deltas in turn that undo each other, so that the book never runs out of changes."""
    replica = book(depth, _random())
    before = DepthBook(replica.instrument)
    before.load(snapshot(depth, _random()))
    there = delta(replica, changed, _random())
    back = there._replace(
        bids=[(price, before.bids.quantities[price]) for price, _ in there.bids],
        asks=[(price, before.asks.quantities[price]) for price, _ in there.asks],
        digest=before.digest,
    )
    payloads = [encode_messages((message,), Encoding.MSGPACK) for message in (back, there)]

    def receive() -> None:
        for payload in payloads:
            [found] = decode_messages(payload, Encoding.MSGPACK)
            assert isinstance(found, Delta)
            replica.seq = found.prev_seq
            assert replica.apply(found) is Verdict.APPLY

    return [time_call(partial(_frame, there), effort), time_call(receive, effort).per(len(payloads))]


if __name__ == "__main__":
    run({"benchmarks.snapshot_or_delta": measure})
