"""How a flush reaches its listeners: a ring of parts, begun at another place each time.

A part is one frame for those who get the same bytes: the same channels in the same encoding. All parts of a flush
are one ring, so that neither an encoding nor a channel is always the first. Each listener is in one part only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from services.gateway.subscriber import Subscriber

Part: TypeAlias = tuple[bytes, Mapping[Subscriber, int]]
"""A frame, and who gets it, each with its descriptor or `NO_DESCRIPTOR`."""

Broadcast: TypeAlias = Callable[[Sequence[Part], int], Sequence[Subscriber]]
"""
Gives the frames of a flush to all of their listeners, the one at this place of the ring first.

May suspend or remove any of them. Returns those who took nothing, since their transports are closing or raised.
"""


class FanOutStatistics:
    """What the fan-out has done since it began; counters only grow."""

    __slots__ = ("aborted_bytes", "aborted_time", "bytes", "encoded", "flushes", "frames", "lagged")

    def __init__(self) -> None:
        self.flushes = 0
        self.encoded = 0
        """Frames built."""
        self.frames = 0
        """Frames written: one for each listener."""
        self.bytes = 0
        self.lagged = 0
        """Times that a listener began to lag."""
        self.aborted_bytes = 0
        self.aborted_time = 0


def around(parts: Sequence[Part], start: int) -> Iterator[tuple[bytes, Iterable[tuple[Subscriber, int]]]]:
    """
    Go once round the ring.

    Args:
        parts: At least one, none of them changed on the way.
        start: Place of the first listener, from 0 and below the number of all.
    """
    number = 0
    while start >= len(parts[number][1]):
        start -= len(parts[number][1])
        number += 1
    frame, listeners = parts[number]
    behind = iter(listeners.items())
    next(islice(behind, start, start), None)
    yield frame, behind
    for other, members in (*parts[number + 1 :], *parts[:number]):
        yield other, members.items()
    yield frame, islice(listeners.items(), start)


def write_by_transports(parts: Sequence[Part], start: int) -> list[Subscriber]:
    """Write through every listener's transport; whether one is closing, `FanOut.review` asks before."""
    lost: list[Subscriber] = []
    # All are listed before any is written to: a write may suspend the subscriber, and so change the listeners.
    for frame, members in [(frame, list(listeners)) for frame, listeners in around(parts, start)]:
        for subscriber, _ in members:
            if subscriber.is_gone:
                continue  # a write to another has led to that
            try:
                subscriber.transport_write(frame)
            except Exception as error:  # noqa: BLE001 - as in `Subscriber.write`; free where nothing is raised
                subscriber.lose(error)
                lost.append(subscriber)
    return lost


def joined(parts: Sequence[Part]) -> list[Part]:
    """
    Give each listener all of its frames at once: a write costs several times what finding out does.

    Frames are joined once for all who get the same ones.
    """
    shares: dict[Subscriber, int] = {}
    """A bit for each part that a subscriber gets."""
    for number, (_, listeners) in enumerate(parts):
        for subscriber in listeners:
            shares[subscriber] = shares.get(subscriber, 0) | 1 << number
    found: dict[int, tuple[bytes, dict[Subscriber, int]]] = {}
    for subscriber, share in shares.items():
        if share not in found:
            found[share] = b"".join(frame for number, (frame, _) in enumerate(parts) if share >> number & 1), {}
        found[share][1][subscriber] = subscriber.descriptor
    return list(found.values())


def still_here(parts: Iterable[Part]) -> list[Part]:
    """
    Return the parts of a second round, without those that are gone; none is empty.

    Who was in it as the flush began stays in it: one that leaves in the first round may make another its heir.
    """
    present = ((frame, {each: each.descriptor for each in others if not each.is_gone}) for frame, others in parts)
    return [(frame, listeners) for frame, listeners in present if listeners]
