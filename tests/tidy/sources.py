"""The project's own modules, parsed once."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

PROJECT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("clients/python/openoutcry", "outcry", "services", "shared")


class Module(NamedTuple):
    """One file."""

    path: str
    """From the project's folder, with slashes."""
    tree: ast.Module

    @property
    def is_pure(self) -> bool:
        """Whether it is in a root: no shell, no wiring, no command."""
        return not any(part in self.path for part in ("/aio/", "__main__.py", "outcry/cli/"))


@cache
def modules() -> list[Module]:
    """Return every module that a wheel holds."""
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=PROJECT, capture_output=True, text=True, check=False)
    names = listed.stdout.split() if listed.returncode == 0 and listed.stdout else _found()
    return [Module(name, ast.parse((PROJECT / name).read_text("utf-8"))) for name in names if name.endswith(".py")]


def _found() -> list[str]:
    """Look for them, in a copy without git."""
    return [str(path.relative_to(PROJECT)) for package in PACKAGES for path in (PROJECT / package).rglob("*.py")]
