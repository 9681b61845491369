"""The steps of the path, each as a person would take it, and how long each took."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

PAGE_STEPS: Final = "tools/first_trade/page.mjs"
INSTALL_SECONDS_MAX: Final = 1_800.0
START_SECONDS_MAX: Final = 300.0
BROWSER_SECONDS_MAX: Final = 300.0
END_SECONDS_MAX: Final = 120.0
_ADDRESS: Final = re.compile(r"the trading page: (http://\S+)")


class PathBlocked(Exception):
    """A step did not lead to the next."""


class Step(NamedTuple):
    """One step of the path."""

    done: str
    """What the newcomer does."""
    seconds: float


def walk(source: str, folder: Path, users: int) -> Iterator[Step]:
    """
    Walk it, and yield each step when it is taken.

    Args:
        source: What is cloned: an address or a folder.
        folder: Where the clone goes.
        users: Of the demo.

    Raises:
        PathBlocked: If a step does not lead to the next.
    """
    clone = folder / "openoutcry"
    # Not an environment that is active, or settings of whoever measures: a newcomer has none.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OUTCRY_", "VIRTUAL_ENV"))}
    yield _taken("`git clone`", ["git", "clone", "--quiet", source, str(clone)], folder, environment)
    yield _taken(
        "`make install`: `.venv`, its packages, and the page where Node is", ["make", "install"], clone, environment
    )
    began = time.monotonic()
    with _demo(clone, environment, users) as address:
        yield Step("`make demo`, until it names the page", time.monotonic() - began)
        settings = json.dumps({"url": address, "chromium": shutil.which("chromium")})
        words = {
            "opened": "open the page, until it is *Live and verified*",
            "trading": "the opening auction ends",
            "traded": "*Market*, 10 lots, *Buy*: the fill is in *Executions*",
        }
        command = ["node", PAGE_STEPS, settings]
        ended = subprocess.run(  # noqa: S603
            command, cwd=clone, capture_output=True, text=True, timeout=BROWSER_SECONDS_MAX, check=False
        )
        if ended.returncode != 0:
            raise PathBlocked(ended.stdout + ended.stderr)
        for line in ended.stdout.splitlines():
            told = json.loads(line)
            yield Step(words[told["step"]], told["ms"] / 1000)


def table(steps: list[Step]) -> str:
    """Return the steps as a table, with the sum as its last row."""
    rows = [f"| {step.done} | {step.seconds:.1f} |" for step in steps]
    total = f"| **from the clone to the first trade** | **{sum(step.seconds for step in steps):.1f}** |"
    return "\n".join(["| step | seconds |", "| --- | ---: |", *rows, total])


def _taken(done: str, command: list[str], folder: Path, environment: dict[str, str]) -> Step:
    began = time.monotonic()
    ended = subprocess.run(  # noqa: S603
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False
    )
    if ended.returncode != 0:
        raise PathBlocked(f"{done}\n{ended.stdout}{ended.stderr}")
    return Step(done, time.monotonic() - began)


@contextmanager
def _demo(clone: Path, environment: dict[str, str], users: int) -> Iterator[str]:
    """Run the demo meanwhile; give the page's address as soon as it is printed."""
    demo = ["make", "demo", f"DEMO=--users {users} --gateways 3 --seconds 0"]
    process = subprocess.Popen(  # noqa: S603
        demo, cwd=clone, env=environment | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    late = threading.Timer(START_SECONDS_MAX, process.kill)
    late.start()
    try:
        yield _address(process)
    finally:
        late.cancel()
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C goes to all of the foreground
        # It says more than a pipe holds: read on until it has ended.
        ended = threading.Timer(END_SECONDS_MAX, os.killpg, (process.pid, signal.SIGKILL))
        ended.start()
        process.communicate()
        ended.cancel()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := _ADDRESS.search(line):
            return found[1]
    raise PathBlocked("".join(said))
