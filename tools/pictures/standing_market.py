"""A market for whoever takes pictures: `outcry up` with accounts and a record, as a person would start it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from outcry.stack.aio.free_ports import free_neighbours

READY_SECONDS_MAX: Final = 180.0
STOP_SECONDS_MAX: Final = 60.0
GATEWAYS: Final = 2


class MarketFailed(Exception):
    """The market did not come up; with what it said."""


class StandingMarket(NamedTuple):
    """A market that runs."""

    page: str
    """The trading page's URL, with the token of its user."""
    gateway: str
    """WebSocket URL of the gateway that serves it."""
    gateway_pid: int
    secret_file: Path
    """Of the tokens."""

    def outcry(self, *arguments: str) -> str:
        """Run a command of ours and return what it printed."""
        command = [sys.executable, "-m", "outcry", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout  # noqa: S603

    def token(self, user: str, role: str) -> str:
        """Mint a token."""
        return self.outcry("token", user, "--secret-file", str(self.secret_file), "--role", role).strip()


@contextmanager
def standing_market(folder: Path, *, rate: float) -> Iterator[StandingMarket]:
    """
    Run a market meanwhile.

    Args:
        folder: For its record.
        rate: Book changes a second that bots make.

    Raises:
        MarketFailed: If it does not come up.
    """
    port = free_neighbours(GATEWAYS)
    command = [
        sys.executable, "-m", "outcry", "up", "--accounts", "--gateways", str(GATEWAYS), "--port", str(port),
        "--bots", f"{rate:g}", "--engines", "1", "--ledger", f"sqlite:///{folder / 'ledger.db'}",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield _described(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS_MAX)


def _described(process: subprocess.Popen[str], port: int) -> StandingMarket:
    """Wait for the line that describes it."""
    assert process.stdout is not None
    assert process.stderr is not None
    said: list[str] = []
    errors = process.stderr
    threading.Thread(target=lambda: said.extend(errors), daemon=True).start()
    late = threading.Timer(READY_SECONDS_MAX, process.terminate)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    if not line:
        raise MarketFailed("".join(said))
    described = json.loads(line)
    if "page" not in described:
        raise MarketFailed("the trading page is not built: make web (needs Node 20)")
    secret = re.search(r"--secret-file (\S+)", "".join(said))
    assert secret is not None, said
    return StandingMarket(described["page"], described["gateways"][0], _listener(process.pid, port), Path(secret[1]))


def _listener(parent: int, port: int) -> int:
    """Return the process among the market's that listens on a port."""
    for child in psutil.Process(parent).children(recursive=True):
        if any(each.laddr.port == port and each.status == psutil.CONN_LISTEN for each in child.net_connections("tcp")):
            return int(child.pid)
    raise MarketFailed(f"nothing of the market listens on {port}")
