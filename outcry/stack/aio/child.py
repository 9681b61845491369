"""One process of ours: started in a session of its own, logged into a file, measured, and ended by its id.

A session of its own keeps the terminal's Ctrl-C from it: the supervisor alone decides the order in which things end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import psutil

from openoutcry.wire.errors import OpenOutcryError
from outcry.stack.aio.parent_death import die_with_parent
from outcry.stack.usage import MEBIBYTE, Usage

STOP_SECONDS_MAX: Final = 10.0
"""How long a child may take to end after SIGTERM; then it is killed."""
LOG_TAIL_LINES: Final = 15
LAST_WORDS_LETTERS_MAX: Final = 500
PRIVATE_UMASK: Final = 0o077
"""Files that children write are their user's alone."""


TOO_MANY: Final = "This machine may be too slow for so many: try fewer --users, or a lower --rate."
"""What to do when not all users come to hold their books."""


class RoleFailed(OpenOutcryError):
    """
    A process of ours did not do its part; the text says which, and how its log ends.

    Args:
        text: What went wrong, and the log's end.
    """


class TooLate(RoleFailed):
    """What was waited for did not come; every process that it needs is alive."""

    @classmethod
    def of(cls, what: str, seconds: float, children: Sequence[Child]) -> TooLate:
        """Tell what, after how long, and the last lines of those who should have done it."""
        logs = "\n".join(f"  {child.name}, its last lines:\n{child.log_tail()}" for child in children)
        return cls(f"{what} within {seconds:.0f} s\n{logs}".rstrip())


class Child:
    """
    A running child process.

    Must be made in the main thread (see `parent_death`).

    Args:
        name: Unique in its folder; names the log file.
        argv: Program and arguments. Secrets do not belong here: anyone may list them.
        folder: Private folder for `<name>.log`.
        talks: Give it pipes for standard input and output; else input is empty and output goes to the log.
        environment: What it is told beside our own environment.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        folder: Path,
        *,
        talks: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name: Final = name
        self.log_path: Final = folder / f"{name}.log"
        self._argv = argv
        self._talks = talks
        self._environment = {**os.environ, **environment} if environment else None
        self._usage = Usage(0.0, 0.0)
        self._spent = 0.0
        """CPU seconds of those that it was before it was started again."""
        self._is_frozen = False
        self.log_path.touch(mode=0o600)
        self._launch()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def requests(self) -> IO[bytes]:
        """Its standard input, of a child that talks."""
        assert self._process.stdin is not None
        return self._process.stdin

    def take_output(self) -> IO[bytes]:
        """
        Hand over the standard output of a child that talks; closing it is the taker's from now on.

        An event loop that reads it must be the one to close it: closed by anyone else, its number would go to the
        next pipe while the loop still believes that it knows it, and that pipe would never be heard.
        """
        output, self._process.stdout = self._process.stdout, None
        assert output is not None
        return output

    def restart(self) -> None:
        """Start it again, after it has ended; its log goes on."""
        assert self.exit_status() is not None, f"{self.name} still runs"
        self._spent = self._usage.cpu_seconds
        self._launch()

    def exit_status(self) -> int | None:
        """Return None while it runs, then its exit status (negative: the signal that ended it)."""
        return self._process.poll()

    def check_alive(self) -> None:
        """
        Make sure that it runs.

        Raises:
            RoleFailed: If it has ended.
        """
        if self.exit_status() is not None:
            raise RoleFailed(f"{self.how_it_ended()}; its last lines:\n{self.log_tail()}")

    def how_it_ended(self) -> str:
        """Return one clause about a child that has ended."""
        status = self.exit_status()
        assert status is not None
        return f"{self.name} was ended by signal {-status}" if status < 0 else f"{self.name} ended with status {status}"

    def usage(self) -> Usage:
        """Measure it; a child that has ended keeps its last measurement."""
        try:
            cpu, memory = self._measured.cpu_times(), self._measured.memory_info()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            return self._usage
        if self.exit_status() is None:
            self._usage = Usage(self._spent + cpu.user + cpu.system, memory.rss / MEBIBYTE)
        return self._usage

    def last_words(self) -> str:
        """Return the last line of its log, in which a role says why it ends; empty if there is none."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1].strip()[:LAST_WORDS_LETTERS_MAX] if lines else ""

    def log_tail(self) -> str:
        """Return the last lines of its log, indented."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines) or "    (its log is empty)"

    def terminate(self) -> None:
        """Ask it to end, without waiting; one that is frozen is thawed, or it would not hear."""
        if self._process.poll() is None:
            self._process.terminate()
            self.thaw()

    def kill(self) -> None:
        """End it at once, as a fault would; no cleanup of its own."""
        self.usage()
        self._process.kill()

    def freeze(self) -> None:
        """Stop it where it stands (SIGSTOP), as a machine that swaps or is paused; it keeps its connections."""
        self._process.send_signal(signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        """Let it go on after `freeze`; nothing happens to one that is not frozen, or gone."""
        if self._is_frozen and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        self._is_frozen = False

    def wait_or_kill(self, deadline: float) -> None:
        """Wait for it until `deadline` (monotonic seconds), then kill it; it is gone when this returns."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)

    def _launch(self) -> None:
        self._is_frozen = False
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs, never a shell
                self._argv,
                stdin=subprocess.PIPE if self._talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._talks else log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                umask=PRIVATE_UMASK,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - calls one system call and nothing else
            )
        self._measured = psutil.Process(self._process.pid)

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL after STOP_SECONDS_MAX."""
        stop_together([self])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def stop_together(children: Sequence[Child]) -> None:
    """End several children that do not need each other, in the time of the slowest."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + STOP_SECONDS_MAX
    for child in children:
        child.wait_or_kill(deadline)


def total_usage(children: Sequence[Child]) -> Usage:
    """Sum what several processes have used."""
    used = [child.usage() for child in children]
    return Usage(sum(each.cpu_seconds for each in used), sum(each.rss_mib for each in used))


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # Unsent words to a process that is gone.
