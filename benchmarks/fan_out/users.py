"""The C users as an object: a process that holds thousands of WebSocket users, told what to do line by line.

    with CUsers(UsersPlan(connect=("127.0.0.1:8101",), users=1000, check="marks")) as users:
        opened = users.open()
        users.reset()
        ...
        report = users.report()

The program is `c/users.c`, whose head says what each option, command and field means. One command at a time; each
answer has a deadline. The process ends with this object, or when its standard input closes, as it does when we die.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Literal, NamedTuple, Self, TypeVar

from pydantic import TypeAdapter

from benchmarks.fan_out.build import program
from openoutcry.wire.codec import Encoding, encode_request
from shared.websocket_frame import BINARY, client_frame

OPEN_SECONDS_MAX: Final = 75.0
"""The program itself gives up after 60."""
ANSWER_SECONDS_MAX: Final = 20.0
"""For every other command; a program that has so much to read that it does not hear us is overloaded."""
QUIT_SECONDS_MAX: Final = 5.0
_READ_BYTES: Final = 1 << 16

T = TypeVar("T")


class UsersFailed(Exception):
    """The program ended, was late, or could not begin; the text is what it said."""


class UsersPlan(NamedTuple):
    """The program's options; c/users.c says what each means."""

    connect: tuple[str, ...]
    """`host:port` of each target."""
    users: int
    check: Literal["book", "marks"]
    path: str = "/v1/stream"
    subprotocol: str | None = None
    tokens: Path | None = None
    opening: int = 64
    source: tuple[str, ...] = ()
    hello: Path | None = None
    hello_after: str | None = None
    books: int = 1
    slow_percent: float = 0.0
    latency: Literal["published", "entered"] = "published"
    tls: Path | None = None

    def argv(self) -> list[str]:
        """Return the options as a command line has them."""
        given = {
            "connect": ",".join(self.connect),
            "users": self.users,
            "check": self.check,
            "path": self.path,
            "subprotocol": self.subprotocol,
            "tokens": self.tokens,
            "opening": self.opening,
            "source": ",".join(self.source) or None,
            "hello": self.hello,
            "hello-after": self.hello_after,
            "books": self.books,
            "slow": self.slow_percent or None,
            "latency": self.latency,
            "tls": self.tls,
        }
        return [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]


class Opened(NamedTuple):
    """What `open` came to."""

    opened: int
    failed: int
    whole: int
    seconds: float
    """From the first connect to the last user that became whole."""
    first_failure: str | None


@dataclass(frozen=True, slots=True)
class LatencyUs:
    """Delays of updates, µs; 0 of none. No tuple, since those have a `count` of their own."""

    count: int
    mean: float
    p50: int
    p90: int
    p99: int
    p999: int
    max: int


class BookPosition(NamedTuple):
    """Where whole books stand."""

    instrument: str
    epoch: int
    seq: int
    digest: int
    users: int
    """How many hold exactly this."""


class Report(NamedTuple):
    """What the reading users have received since the last reset."""

    users: int
    open: int
    stale: int
    slow_users: int
    slow_open: int
    slow_disconnects: int
    frames: int
    bytes: int
    updates: int
    leapt: int
    deltas: int
    snapshots: int
    others: int
    digests_checked: int
    digests_wrong: int
    gaps: int
    out_of_order: int
    ignored: int
    refused: int
    malformed: int
    disconnects: int
    first_mark: int
    last_mark: int
    latency_us: LatencyUs
    seconds: float
    cpu_user_s: float
    cpu_system_s: float
    books: list[BookPosition]
    books_left_off: int

    @property
    def faults(self) -> dict[str, int]:
        """What must not happen, and how often it did; empty if it never did."""
        names = ("digests_wrong", "gaps", "out_of_order", "refused", "malformed", "disconnects", "stale", "ignored")
        return {name: count for name in names if (count := getattr(self, name))}


_OPENED: Final = TypeAdapter(Opened)
_REPORT: Final = TypeAdapter(Report)


class CUsers:
    """
    A running program; a context manager that ends it.

    Args:
        plan: What the users do.

    Raises:
        NoCompiler: If the program would have to be compiled and cannot.
    """

    def __init__(self, plan: UsersPlan) -> None:
        self.plan: Final = plan
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [str(program("users", tls=plan.tls is not None)), *plan.argv()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._received = b""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def open(self) -> Opened:
        """
        Connect everyone; once only.

        Raises:
            UsersFailed: If the program ends, or is late.
        """
        return _OPENED.validate_json(self._ask("open", OPEN_SECONDS_MAX))

    def open_all(self) -> Opened:
        """
        Connect everyone, and make sure that everyone holds all it asked for.

        Raises:
            UsersFailed: Also if anyone is missing.
        """
        opened = self.open()
        if opened.whole < self.plan.users:
            raise UsersFailed(f"{opened.whole} of {self.plan.users} users became whole: {opened}")
        return opened

    def reset(self) -> None:
        """Count anew."""
        self._ask("reset", ANSWER_SECONDS_MAX)

    def report(self) -> Report:
        """Return what came since the last reset."""
        return _REPORT.validate_json(self._ask("report", ANSWER_SECONDS_MAX))

    def quit(self) -> None:
        """End it; all its connections are lost."""
        if self._process.poll() is None:
            _close(self._stdin)
            try:
                self._process.wait(QUIT_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                _close(pipe)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.quit()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _ask(self, command: str, seconds: float) -> bytes:
        try:
            self._stdin.write(command.encode() + b"\n")
            self._stdin.flush()
        except BrokenPipeError as error:
            raise self._failure(f"{command}: it has ended") from error
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            self._receive(command, deadline)
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _receive(self, command: str, deadline: float) -> None:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise self._failure(f"{command}: no answer in time")
        data = os.read(self._process.stdout.fileno(), _READ_BYTES)
        if not data:
            raise self._failure(f"{command}: it has ended")
        self._received += data

    def _failure(self, what: str) -> UsersFailed:
        """Return an error with what the program said; it is ended."""
        self._process.kill()
        _, said = self._process.communicate()
        return UsersFailed(f"users: {what}: {said.decode(errors='replace').strip()}")


def write_hello(path: Path, *requests: dict[str, object]) -> Path:
    """Write requests of our binary protocol as finished client frames, for `UsersPlan.hello`; return the path."""
    frames = [client_frame(encode_request(request, Encoding.MSGPACK), BINARY, bytes(4)) for request in requests]
    path.write_bytes(b"".join(frames))
    return path


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # Unsent words to a program that is gone.
