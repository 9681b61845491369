"""`python -m benchmarks.messages`: bytes and CPU per message, in each encoding, compressed and not."""

from __future__ import annotations

from functools import partial
from random import Random
from statistics import mean
from typing import Final

from benchmarks import deflate
from benchmarks.command import run
from benchmarks.encodings import CODECS
from benchmarks.examples import EXAMPLES
from benchmarks.measure import Effort, time_call
from benchmarks.table import Cell, Table
from openoutcry.wire.messages import Message

SEED: Final = 1
SERIES: Final = 64
"""Messages of a type sent one after the other where a compressor remembers; the first eight are not counted."""
_LEARNING: Final = 8
_COMPRESSED: Final = ("msgpack array", "JSON")


def measure(effort: Effort) -> list[Table]:
    """Return the tables of sizes and of times."""
    series = {name: _series(name) for name in EXAMPLES}
    return [
        Table(
            "messages-bytes",
            f"Bytes of a frame's payload that holds one message; mean of {SERIES - _LEARNING}. Deflated alone, and "
            "with a context that remembers the messages before it (all of this type: the best case).",
            [
                "message",
                *CODECS,
                *(f"{codec}, deflated {how}" for codec in _COMPRESSED for how in ("alone", "in context")),
            ],
            [_sizes(name, messages) for name, messages in series.items()],
        ),
        Table(
            "messages-time",
            "CPU µs to encode (→) and decode (←) the same, without framing; protobuf's decoding reads no field yet.",
            ["message", *(f"{codec} {arrow}" for codec in CODECS for arrow in ("→", "←"))],
            [_times(name, messages[0], effort) for name, messages in series.items()],
        ),
    ]


def _series(name: str) -> list[Message]:
    random = Random(SEED)  # noqa: S311 - examples, no secrets
    return [EXAMPLES[name](random) for _ in range(SERIES)]


def _sizes(name: str, messages: list[Message]) -> list[Cell]:
    encoded = {codec: [one.encode(message) for message in messages] for codec, one in CODECS.items()}
    row: list[Cell] = [name, *(_mean([len(payload) for payload in payloads]) for payloads in encoded.values())]
    for codec in _COMPRESSED:
        row.append(_mean([len(deflate.alone(payload)) for payload in encoded[codec]]))
        row.append(_mean(deflate.sizes_in_a_row(encoded[codec])))
    return row


def _mean(sizes: list[int]) -> int:
    return round(mean(sizes[_LEARNING:]))


def _times(name: str, message: Message, effort: Effort) -> list[Cell]:
    row: list[Cell] = [name]
    for codec in CODECS.values():
        payload = codec.encode(message)
        row += [time_call(partial(codec.encode, message), effort), time_call(partial(codec.decode, payload), effort)]
    return row


if __name__ == "__main__":
    run({"benchmarks.messages": measure})
