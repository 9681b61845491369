"""One frame to many sockets, straight to the kernel.

A transport's `write` first looks whether it is alive, paused, or has anything unsent. Those answers stand for long, so
they are asked when they change (`services.gateway.aio.connection`): a subscriber's descriptor is there to be written
to as long as nothing waits in its transport. What the kernel does not take at once goes to the transport, whose
`pause_writing` then takes the descriptor away; so nothing overtakes.

It halves the user CPU of a delivery: `python -m benchmarks.straight_writes`, docs/decisions/0007.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.gateway.subscriber import NO_DESCRIPTOR

if TYPE_CHECKING:
    from services.gateway.subscriber import Subscriber


def spread(frame: bytes, listeners: Mapping[Subscriber, int]) -> None:
    """
    Write a frame to every listener; never wait.

    Args:
        frame: Finished.
        listeners: Each with its descriptor, or `NO_DESCRIPTOR`.
    """
    write, size = os.write, len(frame)
    unsent: list[tuple[Subscriber, int]] = []
    for subscriber, descriptor in listeners.items():
        try:
            sent = 0 if descriptor == NO_DESCRIPTOR else write(descriptor, frame)
        except OSError:  # full, or gone: the transport finds out which
            sent = 0
        if sent != size:
            unsent.append((subscriber, sent))
    # Only now: a write through the transport may take subscribers out of the listeners.
    for subscriber, sent in unsent:
        subscriber.write(frame[sent:])
