"""The README's programs, taken from its text: nothing is added."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
PROGRAM_SECONDS_MAX: Final = 30


def program(mark: str) -> str:
    """Return the one Python program of the README that has this text in it."""
    text = (PROJECT / "README.md").read_text()
    (found,) = (each for each in re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) if mark in each)
    assert isinstance(found, str)
    return found


def printed(text: str, folder: Path) -> list[str]:
    """Run a program in a folder, with warnings as errors; return its lines."""
    (folder / "program.py").write_text(text)
    command = [sys.executable, "-W", "error", "program.py"]
    environment = {"PYTHONPATH": str(PROJECT)}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PROGRAM_SECONDS_MAX, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()
