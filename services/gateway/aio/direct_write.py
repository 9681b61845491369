"""One frame to many sockets, straight to the kernel.

A transport's `write` first looks whether it is alive, paused, or has anything unsent. Those answers stand for long, so
they are asked when they change (`services.gateway.aio.connection`): a subscriber's descriptor is there to be written
to as long as nothing waits in its transport. What the kernel does not take at once goes to the transport, whose
`pause_writing` then takes the descriptor away; so nothing overtakes. A listener that speaks TLS gets a frame of its
own, sealed at the last moment (`services.gateway.aio.tls_connection`).

It halves the user CPU of a delivery: `python -m benchmarks.straight_writes`, docs/decisions/0007.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import cast

from services.gateway.broadcast import Part, around
from services.gateway.subscriber import NO_DESCRIPTOR, Subscriber, sealed


def write_to_all(parts: Sequence[Part], start: int) -> list[Subscriber]:
    """
    Write the frames of a flush to all of their listeners, beginning at a place of the ring; never wait.

    Returns:
        Those whose transports take nothing any more.
    """
    write = os.write
    unsent: list[tuple[Subscriber, bytes, Callable[[bytes], None] | None]] = []
    lost: list[Subscriber] = []
    for frame, listeners in around(parts, start):
        size = len(frame)
        for subscriber, descriptor in listeners:
            if descriptor < NO_DESCRIPTOR:
                _write_sealed(subscriber, sealed(descriptor), frame, unsent, lost)
                continue
            try:
                sent = 0 if descriptor == NO_DESCRIPTOR else write(descriptor, frame)
            except OSError:  # full, or gone: the transport finds out which
                sent = 0
            if sent != size:
                # No copy, since a frame may have megabytes: a socket's transport takes whatever is like bytes.
                unsent.append((subscriber, cast("bytes", memoryview(frame)[sent:]), None))
    # Only now: a write through the transport may take subscribers out of the listeners.
    return lost + [subscriber for subscriber, rest, how in unsent if not subscriber.write(rest, how)]


def _write_sealed(
    subscriber: Subscriber,
    descriptor: int,
    frame: bytes,
    unsent: list[tuple[Subscriber, bytes, Callable[[bytes], None] | None]],
    lost: list[Subscriber],
) -> None:
    data = seal(subscriber, frame)
    if data is None:
        lost.append(subscriber)
        return
    try:
        sent = os.write(descriptor, data)
    except OSError:
        sent = 0
    if sent != len(data):
        unsent.append((subscriber, data[sent:], subscriber.write_rest))


def seal(subscriber: Subscriber, frame: bytes) -> bytes | None:
    """Return a frame as one listener can read it; None if there is no sealing any more, and the listener is lost."""
    assert subscriber.seal is not None
    try:
        return subscriber.seal(frame)
    except Exception as error:  # noqa: BLE001 - a transport is its owner's: what it raises is this listener's alone
        subscriber.lose(error)
        return None
