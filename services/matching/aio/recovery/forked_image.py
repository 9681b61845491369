"""The market at one instant, encoded by a forked child while the market goes on.

The child gets the complete memory as it is, for the price of copying page tables (measured: 0.1 ms a MB). It writes the
encoding into a pipe. The kernel copies pages that either changes afterwards, so the two together need at most twice the
memory. Redis saves itself in the same way. The holder of an image must `end` it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import struct
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

CHUNK_BYTES: Final = 64 * 1024
"""Of one read: what a pipe holds, and what one call of the store may carry beside the market's own."""
CHILD_NICENESS: Final = 5
"""Where cores are scarce, a third of the time that the market's own processes get."""
REAP_POLL_S: Final = 0.01
STDERR: Final = 2
_SIZE: Final = struct.Struct(">Q")


class Encoded(NamedTuple):
    """What is stored of an image."""

    checkpoint: bytes
    accounts: bytes
    snapshots: Sequence[bytes] = ()
    """Of deep books."""

    def parts(self) -> list[bytes]:
        """Return all of it, in order."""
        return [self.checkpoint, self.accounts, *self.snapshots]


Encode: TypeAlias = Callable[[], Encoded]


class ImageFailed(Exception):
    """The image ended before it was complete; the text says how."""


class Image(Protocol):
    """An image that comes in pieces."""

    async def sizes(self, count: int = 2) -> list[int]:
        """
        Return the bytes of checkpoint, accounts and each snapshot; to be called first.

        Args:
            count: How many these are.

        Raises:
            ImageFailed: If whoever encodes it has ended.
        """

    async def read(self, size: int) -> bytes:
        """Return the next bytes, at least one and at most `size`. Raises as `sizes`."""

    def kill(self) -> None:
        """Stop the encoding; reading then fails."""

    async def end(self) -> None:
        """Free all that it holds, complete or not."""


class InlineImage:
    """
    An image that is encoded at once, while the market waits: for tests and simulations, which do not fork.

    Args:
        encode: Makes it.
    """

    def __init__(self, encode: Encode) -> None:
        parts = encode().parts()
        self._sizes = [len(part) for part in parts]
        self._left = memoryview(b"".join(parts))

    async def sizes(self, count: int = 2) -> list[int]:
        """Return the bytes of checkpoint, accounts and each snapshot."""
        assert count == len(self._sizes)
        return self._sizes

    async def read(self, size: int) -> bytes:
        """Return the next bytes."""
        if not self._left:
            raise ImageFailed("it was stopped")
        chunk, self._left = bytes(self._left[:size]), self._left[size:]
        return chunk

    def kill(self) -> None:
        """Forget it."""
        self._left = memoryview(b"")

    async def end(self) -> None:
        """Forget it."""
        self.kill()


class ForkedImage:
    """
    An image that a child encodes. The caller is held up by the fork alone.

    Args:
        encode: Called in the child; it must neither log nor import, since other threads' locks may be held there.

    Attributes:
        pid: The child's process id; 0 once it is buried.

    Raises:
        OSError: If there is no memory or no process to be had.
    """

    def __init__(self, encode: Encode) -> None:
        reading, writing = os.pipe()
        try:
            self.pid = _fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if self.pid == 0:
            _be_the_child(encode, writing)
        os.close(writing)
        os.set_blocking(reading, False)
        self._pipe: int | None = reading

    async def sizes(self, count: int = 2) -> list[int]:
        """Return the bytes of checkpoint, accounts and each snapshot, once they are encoded."""
        header = b""
        while len(header) < count * _SIZE.size:
            header += await self.read(count * _SIZE.size - len(header))
        return [size for (size,) in _SIZE.iter_unpack(header)]

    async def read(self, size: int) -> bytes:
        """Return the next bytes."""
        assert self._pipe is not None, "it has been ended"
        while True:
            try:
                chunk = os.read(self._pipe, size)
            except BlockingIOError:
                await _readable(self._pipe)
                continue
            if not chunk:
                raise ImageFailed("the child ended before it had written all")
            return chunk

    def kill(self) -> None:
        """Stop the child; harmless if it has ended."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Close the pipe and bury the child."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)
        self.kill()
        # Its memory is taken apart while it ends, which takes milliseconds that the market shall not wait.
        while not self._is_buried():  # noqa: ASYNC110 - no event tells it, but a watcher of all children
            await asyncio.sleep(REAP_POLL_S)
        self.pid = 0

    def _is_buried(self) -> bool:
        return not self.pid or os.waitpid(self.pid, os.WNOHANG) != (0, 0)


async def _readable(pipe: int) -> None:
    """Return when there is something to read; without a transport, since uvloop's closes a pipe a second time."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(pipe, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(pipe)


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns when there are other threads. The child takes no lock that they could hold: it encodes,
        # writes and ends, and what the C library needs for that is made good by its own handlers.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _be_the_child(encode: Encode, pipe: int) -> None:
    """Encode, write, and end; never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _close_all_but(pipe)
        os.nice(CHILD_NICENESS)
        gc.disable()
        parts = encode().parts()
        with os.fdopen(pipe, "wb") as out:
            out.write(b"".join(_SIZE.pack(len(part)) for part in parts))
            for part in parts:
                out.write(part)
        status = 0
    except BrokenPipeError:
        pass  # nobody wants it any more
    except BaseException:  # noqa: BLE001 - the top of a process; the parent sees that it ended
        os.write(STDERR, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _close_all_but(pipe: int) -> None:
    """Close what is the parent's: connections and listening sockets must end with it, even if it dies right now."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names, not files
        if int(name) > STDERR and int(name) != pipe:
            with contextlib.suppress(OSError):  # the folder's own
                os.close(int(name))
