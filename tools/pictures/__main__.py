"""`python -m tools.pictures`: take the pictures of README and docs anew, of markets that run meanwhile."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tools.pictures.palette import BYTES_MAX, shrink
from tools.pictures.standing_market import standing_market
from tools.pictures.terminal import drawn, left_standing, on_terminal, ours

ROOT: Final = Path(__file__).parents[2]
PICTURES: Final = ROOT / "docs" / "pictures"
PAGE_STEPS: Final = Path(__file__).with_name("page.mjs")
PAGE_SECONDS_MAX: Final = 600.0
PAGE_RATE: Final = 60.0
"""Book changes a second while the page is looked at."""
TERMINAL: Final = (100, 40)
"""Columns and lines."""
DEMO_SECONDS: Final = 42
SINCE: Final = "connecting"
"""First line of the demo that is shown; before it stand files and tokens of the run."""
LOAD_SECONDS: Final = 30
RUN_SECONDS_MAX: Final = 300.0


def take_page(folder: Path, users: int) -> None:
    """Take the trading page's pictures, in Chromium."""
    del users  # one person looks; who trades is the market's bots
    with tempfile.TemporaryDirectory() as record, standing_market(Path(record), rate=PAGE_RATE) as market:
        token = market.token("ann", "admin")
        asked = ("SHIP-Q1", "--reason", "news pending", "--token", token, "--url", market.gateway)
        market.outcry("admin", "halt", *asked)
        settings = {
            "url": market.page,
            "gatewayPid": market.gateway_pid,
            "folder": str(folder),
            "chromium": _program("chromium"),
        }
        command = [_program("node"), str(PAGE_STEPS), json.dumps(settings)]
        subprocess.run(command, check=True, cwd=ROOT, timeout=PAGE_SECONDS_MAX)  # noqa: S603


def take_demo(folder: Path, users: int) -> None:
    """Take the demo's picture: what it told, as it stands on a terminal when it has ended."""
    command = ours("demo", "--users", str(users), "--seconds", str(DEMO_SECONDS))
    written, status = on_terminal(command, TERMINAL, RUN_SECONDS_MAX)
    shown = left_standing(written)
    if status != 0:
        raise SystemExit(f"the demo ended with {status}:\n{shown}")
    told = shown[shown.index(SINCE) :]
    title = f"outcry demo --users {users}"
    (folder / "demo.svg").write_text(drawn(told, title, TERMINAL[0]))


def take_load(folder: Path, users: int) -> None:
    """Take the first plot of a load report: delivery while a gateway is killed."""
    with tempfile.TemporaryDirectory() as made:
        page = Path(made) / "load.html"
        options = ("--scenario", "loss", "--users", str(users), "--seconds", str(LOAD_SECONDS), "--html", str(page))
        subprocess.run(ours("load", *options), check=True, cwd=made, timeout=RUN_SECONDS_MAX)  # noqa: S603
        plot = re.search(r"<svg.*?</svg>", page.read_text(), re.DOTALL)
    assert plot is not None, "the report has no plot"
    (folder / "load.svg").write_text(plot[0] + "\n")


TAKEN: Final[Mapping[str, Callable[[Path, int], None]]] = {"page": take_page, "demo": take_demo, "load": take_load}


def main() -> None:
    """Take them; each is whole and small enough, or the command fails."""
    parser = argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__)
    parser.add_argument("--out", type=Path, default=PICTURES, help="folder (default: docs/pictures)")
    parser.add_argument("--only", choices=list(TAKEN), action="append", help="these alone")
    parser.add_argument("--users", type=int, default=1000, help="of demo and load (default: 1000)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        for name in chosen.only or TAKEN:
            TAKEN[name](Path(made), chosen.users)
        chosen.out.mkdir(parents=True, exist_ok=True)
        for picture in sorted(Path(made).iterdir()):
            size = shrink(picture) if picture.suffix == ".png" else picture.stat().st_size
            if size > BYTES_MAX:
                sys.exit(f"{picture.name} has {size:,} bytes; at most {BYTES_MAX:,}")
            shutil.copyfile(picture, chosen.out / picture.name)
            print(f"{picture.name}: {size:,} bytes")  # noqa: T201 - a program of its own


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is needed for the page's pictures (Debian: apt-get install chromium nodejs npm)")
    return found


if __name__ == "__main__":
    main()
