"""A copy of the tree to plant faults in, and the running of its tests: nobody's working files are ever changed.

Owns one copy. Its tests run in a process of their own whose modules are the copy's, by name and by working directory;
one that does not end is killed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = (
    "clients",
    "deploy",
    "docs",
    "examples",
    "k8s",
    "outcry",
    "protocol",
    "services",
    "shared",
    "tests",
    "tools",
)
"""Folders that tests read, besides the files at the top."""
LEFT_OUT: Final = shutil.ignore_patterns("node_modules", "__pycache__", ".*")
TESTS_S: Final = 600
"""The quick tests of one fault may run for so long, ten times what they need on busy cores; then they hang, and the
fault is found. Each single test has a limit of its own, as always."""


class CopiedTree:
    """
    One copy.

    Args:
        folder: Where; it must not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy(path, folder)

    def read(self, file: str) -> str:
        """Return a file's text."""
        return (self.folder / file).read_text(encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        """Replace a file's text."""
        (self.folder / file).write_text(text, encoding="utf-8")

    def failing_test(self, tests: Sequence[str]) -> str:
        """
        Run tests up to the first that fails, and return its name; empty if all pass.

        Args:
            tests: As pytest takes them, with options.

        Raises:
            RuntimeError: If pytest could not run them.
        """
        words = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(self.folder / "clients" / "python"))),
            "PYTHONSAFEPATH": "1",
        }
        try:
            done = subprocess.run(
                words,
                cwd=self.folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TESTS_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"not done within {TESTS_S} s"
        if done.returncode not in (0, 1, 2):
            raise RuntimeError(f"pytest {' '.join(tests)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
        return _failed(done.stdout) if done.returncode else ""


def _failed(output: str) -> str:
    told = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return told[0].partition(" ")[2].partition(" - ")[0] if told else output.strip().splitlines()[-1]
