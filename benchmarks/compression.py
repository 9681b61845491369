"""`python -m benchmarks.compression`: what permessage-deflate would save, and what it would cost."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final

import psutil

from benchmarks import deflate
from benchmarks.books import book, delta, snapshot
from benchmarks.command import run
from benchmarks.deflate import SMALL, ZLIB, Window
from benchmarks.measure import Effort, Timing, in_new_process, time_call
from benchmarks.table import Cell, Table
from openoutcry.wire.codec import Encoding, encode_messages

SEED: Final = 1
SERIES: Final = 64
_LEARNING: Final = 8
CONTEXTS: Final = 300
WINDOWS: Final[dict[str, Window]] = {"zlib's default (2¹⁵, 8)": ZLIB, "websockets' default (2¹², 5)": SMALL}
"""What to call a window, and its sizes."""


def measure(effort: Effort) -> list[Table]:
    """Return the tables of bytes and CPU a frame, and of memory a connection."""
    memory = [_memory_row(name, window, effort) for name, window in WINDOWS.items()]
    return [
        Table(
            "compression",
            f"A msgpack frame's payload deflated (level 6): bytes, mean of {SERIES - _LEARNING}, and CPU µs to make "
            "them, alone with a new context each. A context that remembers is one connection's own: what it makes "
            "cannot be sent to anyone else.",
            [
                "frame",
                "window",
                "bytes",
                "deflated alone",
                "deflated in context",
                "encode µs",
                "and deflate alone µs",
                "and deflate in context µs",
            ],
            [
                _row(name, window_name, window, _payloads(name), effort)
                for name in FRAMES
                for window_name, window in WINDOWS.items()
            ],
        ),
        Table(
            "compression-memory",
            f"Memory that {CONTEXTS} connections hold for compression, by the process's resident set, after each has "
            "carried a snapshot and a delta. The formula is zlib's own, for what it allocates to compress.",
            ["window", "KiB a connection to compress", "KiB by the formula", "KiB with the way back"],
            memory,
        ),
    ]


FRAMES: Final[dict[str, Callable[[Random], bytes]]] = {
    "delta of 2 levels": lambda random: _delta(2, random),
    "merged delta of 40 levels": lambda random: _delta(40, random),
    "snapshot of 1,000 levels a side": lambda random: encode_messages((snapshot(1_000, random),), Encoding.MSGPACK),
}


def _delta(changes: int, random: Random) -> bytes:
    return encode_messages((delta(book(100, random), changes, random),), Encoding.MSGPACK)


def _payloads(name: str) -> list[bytes]:
    random = Random(SEED)  # noqa: S311 - examples, no secrets
    return [FRAMES[name](random) for _ in range(SERIES)]


def _row(name: str, window_name: str, window: Window, payloads: list[bytes], effort: Effort) -> list[Cell]:
    counted = payloads[_LEARNING:]
    alone = [len(deflate.alone(payload, window)) for payload in counted]
    in_context = deflate.sizes_in_a_row(payloads, window)[_LEARNING:]
    return [
        name,
        window_name,
        round(sum(map(len, counted)) / len(counted)),
        round(sum(alone) / len(counted)),
        round(sum(in_context) / len(counted)),
        _time_to_encode(name, effort),
        time_call(partial(deflate.alone, payloads[0], window), effort),
        _time_in_context(payloads, window, effort),
    ]


def _time_to_encode(name: str, effort: Effort) -> Timing:
    random = Random(SEED)  # noqa: S311 - examples, no secrets
    message = snapshot(1_000, random) if "snapshot" in name else delta(book(100, random), int(name.split()[-2]), random)
    return time_call(partial(encode_messages, (message,), Encoding.MSGPACK), effort)


def _time_in_context(payloads: list[bytes], window: Window, effort: Effort) -> Timing:
    return time_call(partial(deflate.sizes_in_a_row, payloads, window), effort).per(len(payloads))


def _memory_row(name: str, window: Window, effort: Effort) -> list[Cell]:
    count = effort.cases(CONTEXTS)
    formula = ((1 << (window.bits + 2)) + (1 << (window.memory_level + 9))) / 1024
    one_way, both_ways = (in_new_process(_resident_kib, window, ways, count) for ways in (1, 2))
    return [name, one_way, formula, both_ways]


def _resident_kib(window: Window, ways: int, count: int) -> float:
    """Return how much the process grows by one connection's contexts, for one way or both, when many are kept."""
    random = Random(SEED)  # noqa: S311 - examples, no secrets
    frames = [FRAMES[name](random) for name in ("snapshot of 1,000 levels a side", "delta of 2 levels")]

    def used_contexts() -> object:
        there = deflate.compressor(window)
        back = deflate.decompressor(window) if ways == 2 else None
        for frame in frames:
            sent = deflate.deflated(there, frame)
            if back is not None:
                back.decompress(sent + deflate.TAIL)
        return there, back

    process = psutil.Process()
    gc.collect()
    before: int = process.memory_info().rss
    kept = [used_contexts() for _ in range(count)]
    grown: int = process.memory_info().rss - before
    del kept
    return max(0.0, grown / count / 1024)


if __name__ == "__main__":
    run({"benchmarks.compression": measure})
