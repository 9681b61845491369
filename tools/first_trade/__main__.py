"""`python -m tools.first_trade`: walk the newcomer's path, and say how long it took."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Final

from tools.first_trade.walk import PathBlocked, Step, table, walk

ROOT: Final = Path(__file__).parents[2]
SECONDS_MAX: Final = 300.0
"""Five minutes."""
BEGIN: Final = "<!-- first trade: written by make first-trade DOCS=1 -->"
END: Final = "<!-- first trade: end -->"


def main() -> None:
    """Walk it; the exit status says whether the first trade came within SECONDS_MAX."""
    parser = argparse.ArgumentParser(prog="python -m tools.first_trade", description=__doc__)
    parser.add_argument("--source", default=str(ROOT), help="what is cloned (default: this checkout's last commit)")
    parser.add_argument("--users", type=int, default=1000, help="of the demo (default: 1000)")
    parser.add_argument("--docs", type=Path, help="put the table into this file, between its marks")
    chosen = parser.parse_args()
    steps: list[Step] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for step in walk(chosen.source, Path(folder), chosen.users):
                _say(f"{step.seconds:7.1f} s  {step.done}")
                steps.append(step)
        except PathBlocked as blocked:
            sys.exit(f"the path ends here:\n{blocked}")
        told = f"{table(steps)}\n\n{_where(chosen.users)}."
        _say(told)
    if chosen.docs:
        put(chosen.docs, told)
    if sum(step.seconds for step in steps) > SECONDS_MAX:
        sys.exit(f"the first trade took longer than {SECONDS_MAX:g} s")


def _where(users: int) -> str:
    """Return what it was measured on, and how busy that was: a busy machine takes longer for all of it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    busy = f"load {os.getloadavg()[2]:.0f} in the quarter of an hour before its end"
    return f"{cores} cores, {platform.system()}, Python {platform.python_version()}, {users:,} users, {busy}"


def put(path: Path, told: str) -> None:
    """Write what was told between the marks of a file, in place of what stands there."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        sys.exit(f"{path} has not both marks, {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{told}\n\n{END}{after}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program of its own


if __name__ == "__main__":
    main()
