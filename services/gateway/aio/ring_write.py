"""One frame to many sockets by one system call: io_uring, from plain Python.

`direct_write` asks the kernel once for each listener. Here a flush writes its listeners' descriptors, its frames'
addresses and sizes into columns of a ring that the kernel shares, makes one call, and compares one column of results.
A send never waits, so all have ended when the call returns: no frame's memory is left to the kernel, and nothing is
under way when a descriptor is closed. What a socket does not take goes to its transport, as in `direct_write`.

Linux from 6.0 on, and only where nobody forbids it, as containers mostly do: docs/operations.md. Files are not
registered with the ring: that won nothing, and a registered socket stays open after its close. Measured:
`python -m benchmarks.straight_writes`, docs/decisions/0023.

The layouts are those of `linux/io_uring.h`.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, cast

from services.gateway.aio.direct_write import seal
from services.gateway.broadcast import Part
from services.gateway.subscriber import NO_DESCRIPTOR, Subscriber, sealed

ENTRIES: Final = 4096
"""Sends of one call, a power of two; a flush to more listeners makes several calls."""

_SYS_SETUP: Final = 425
_SYS_ENTER: Final = 426
_SUBMIT_ALL: Final = 1 << 7
"""A send that is refused does not hold back those behind it."""
_SINGLE_ISSUER: Final = 1 << 12
_GETEVENTS: Final = 1
_RINGS: Final = 0
_SENDS: Final = 0x1000_0000
"""Where the kernel maps what."""
_OP_SEND: Final = 26
_MSG_DONTWAIT: Final = 0x40
_MSG_NOSIGNAL: Final = 0x4000
_SEND_BYTES: Final = 64
_RESULT_BYTES: Final = 16
_WRAP: Final = 0xFFFF_FFFF


class _Offsets(ctypes.Structure):
    """`io_sqring_offsets` and `io_cqring_offsets`: `items` is where the submissions' indices or the results are."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("head", "tail", "mask", "entries")),
        *((name, ctypes.c_uint32) for name in ("flags_or_overflow", "dropped_or_items", "items_or_flags", "reserved")),
        ("user_address", ctypes.c_uint64),
    )


class _Parameters(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("sends", "results", "flags", "thread_cpu", "thread_idle", "features")),
        *((name, ctypes.c_uint32) for name in ("workers", "reserved_0", "reserved_1", "reserved_2")),
        ("send_offsets", _Offsets),
        ("result_offsets", _Offsets),
    )


_syscall: Final = ctypes.CDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long
_bytes_address: Final = ctypes.pythonapi.PyBytes_AsString
_bytes_address.argtypes, _bytes_address.restype = (ctypes.py_object,), ctypes.c_void_p
_NO_WAIT: Final = (ctypes.c_uint(0), ctypes.c_uint(0), None, ctypes.c_size_t(0))
_UNTIL_DONE: Final = (ctypes.c_uint(1), ctypes.c_uint(_GETEVENTS), None, ctypes.c_size_t(0))
"""Results to wait for, flags, and no set of signals."""


class SendRing:
    """
    A `Broadcast` by io_uring, for the thread that made it.

    Args:
        entries: Sends of one call, a power of two, at most 32,768.

    Raises:
        OSError: The kernel has no such ring, or it is forbidden here.
    """

    def __init__(self, entries: int = ENTRIES) -> None:
        found = _Parameters(flags=_SUBMIT_ALL | _SINGLE_ISSUER)
        self._descriptor = _call(_SYS_SETUP, ctypes.c_uint(entries), ctypes.byref(found))
        to, done = found.send_offsets, found.result_offsets
        indices, results = to.items_or_flags, done.dropped_or_items
        size = max(indices + 4 * entries, results + _RESULT_BYTES * found.results)
        rings = memoryview(mmap.mmap(self._descriptor, size, offset=_RINGS))
        sends = memoryview(mmap.mmap(self._descriptor, _SEND_BYTES * entries, offset=_SENDS))
        rings[indices : indices + 4 * entries].cast("I")[:] = array("I", range(entries))
        sends[::_SEND_BYTES] = bytes([_OP_SEND]) * entries
        ints, longs = sends.cast("i"), sends.cast("Q")
        ints[7::16] = array("i", [_MSG_DONTWAIT | _MSG_NOSIGNAL]) * entries
        longs[4::8] = array("Q", range(entries))
        self._descriptors, self._addresses, self._sizes = ints[1::16], longs[2::8], ints[6::16]
        items = rings[results : results + _RESULT_BYTES * found.results]
        self._slots, self._results = items.cast("Q")[::2], items.cast("i")[2::4]
        self._entries, self._results_mask = entries, found.results - 1
        self._counters = rings[: size & ~3].cast("I")
        self._tail, self._read, self._done = to.tail // 4, done.head // 4, done.tail // 4
        """Where the counters are: sends asked for, results read, sends done. They count on, modulo 2**32."""
        self.refused = 0
        """Calls that the kernel had no memory for; their sends went through the transports."""
        self._turned = 0
        """Sends so far. Each has one result, so that this is the next place of both rings."""

    def close(self) -> None:
        """Give the ring back; it writes nothing any more."""
        os.close(self._descriptor)

    def __call__(self, parts: Sequence[Part], start: int) -> list[Subscriber]:
        """
        Write the frames of a flush to all of their listeners, beginning at a place of the ring; never wait.

        Returns:
            Those whose transports take nothing any more.
        """
        descriptors, addresses, sizes = array("i"), array("Q"), array("i")
        for frame, listeners in parts:
            descriptors.extend(listeners.values())
            addresses.extend(array("Q", (_address(frame),)) * len(listeners))
            sizes.extend(array("i", (len(frame),)) * len(listeners))
        total, first = len(sizes), 0
        lost: list[Subscriber] = []
        own: dict[int, bytes] = {}
        """Place to what is sealed for that listener alone; kept while the kernel reads it."""
        if min(descriptors, default=0) < NO_DESCRIPTOR:
            own, lost = _sealed(parts, descriptors, addresses, sizes)
        unsent: list[tuple[int, int]] = []
        while first < total:
            # Up to the end of the kernel's ring, and of ours, which begins at `start`.
            at = (start + first) % total
            count = min(total - first, total - at, self._entries - self._turned % self._entries)
            here = slice(at, at + count)
            unsent += self._send(at, descriptors[here], addresses[here], sizes[here])
            first += count
        if not unsent:
            return lost
        # All are listed before any is written to: a write may suspend the subscriber, and so change the listeners.
        everybody = list(chain.from_iterable(listeners for _, listeners in parts))
        frames = [frame for frame, listeners in parts for _ in listeners]
        rests = [(everybody[place], own.get(place), memoryview(frames[place]), sent) for place, sent in unsent]
        for subscriber, data, frame_view, sent in rests:
            if data is None:
                is_taken = subscriber.write(cast("bytes", frame_view[sent:]))
            else:
                is_taken = subscriber.write(data[sent:], subscriber.write_rest)
            if not is_taken and subscriber not in lost:
                lost.append(subscriber)
        return lost

    def _send(
        self, first: int, descriptors: array[int], addresses: array[int], sizes: array[int]
    ) -> Iterable[tuple[int, int]]:
        """Send at most up to the end of the kernel's ring; returns places with what was sent, where that is not all."""
        count = len(sizes)
        at = self._turned % self._entries
        self._descriptors[at : at + count] = descriptors
        self._addresses[at : at + count] = addresses
        self._sizes[at : at + count] = sizes
        submitted = self._submit(count)
        done = self._turned & self._results_mask
        self._turned += submitted
        results = self._results[done : done + submitted]
        if results == sizes:
            return ()
        sent = [0] * count
        for slot, result in zip(self._slots[done : done + submitted], results, strict=True):
            sent[slot - at] = max(0, result)  # below 0: full, or gone; the transport finds out which
        return [(first + place, part) for place, part in enumerate(sent) if part != sizes[place]]

    def _submit(self, count: int) -> int:
        """Have the kernel send so many; returns how many it has taken, which are done."""
        end = (self._turned + count) & _WRAP
        self._counters[self._tail] = end
        try:
            taken = _call(_SYS_ENTER, ctypes.c_uint(self._descriptor), ctypes.c_uint(count), *_NO_WAIT)
        except OSError:  # no memory: as with sockets that are full, the transports take all
            taken = 0
            self.refused += 1
        end = (self._turned + taken) & _WRAP
        self._counters[self._tail] = end
        while self._counters[self._done] != end:  # never seen: without waiting a send ends at once
            _call(_SYS_ENTER, ctypes.c_uint(self._descriptor), ctypes.c_uint(0), *_UNTIL_DONE)
        self._counters[self._read] = end
        return taken


def _sealed(
    parts: Sequence[Part], descriptors: array[int], addresses: array[int], sizes: array[int]
) -> tuple[dict[int, bytes], list[Subscriber]]:
    """Put what is sealed for a listener in its frame's stead; returns it by place, and for whom that failed."""
    own: dict[int, bytes] = {}
    lost: list[Subscriber] = []
    place = -1
    for frame, listeners in parts:
        for subscriber, descriptor in listeners.items():
            place += 1
            if descriptor >= NO_DESCRIPTOR:
                continue
            data = seal(subscriber, frame)
            if data is None:
                descriptors[place] = NO_DESCRIPTOR
                lost.append(subscriber)
                continue
            own[place] = data
            descriptors[place], addresses[place], sizes[place] = sealed(descriptor), _address(data), len(data)
    return own, lost


def _address(frame: bytes) -> int:
    return cast("int", _bytes_address(frame))


def _call(number: int, *arguments: object) -> int:
    found = cast("int", _syscall(ctypes.c_long(number), *arguments))
    if found < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return found
