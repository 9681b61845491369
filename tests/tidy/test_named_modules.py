"""Documents and docstrings name files and modules: each of them is there."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import PurePosixPath

import pytest

from tests.tidy.sources import PROJECT, modules

ROOTS = ("benchmarks", "model", "openoutcry", "outcry", "services", "shared", "tests", "tools")
DOTTED = re.compile(rf"`((?:{'|'.join(ROOTS)})(?!\.v1\b)(?:\.[a-z_0-9]+)+)")
FILES = re.compile(r"`([\w./-]+\.(?:py|lua|ts|pml))`")


@cache
def listed() -> frozenset[str]:
    """Return every file, from the project's folder."""
    found = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False).stdout.split()
    return frozenset(found) or frozenset(str(path.relative_to(PROJECT)) for path in PROJECT.rglob("*.*"))


DOCUMENTS = sorted(name for name in listed() if name.endswith(".md") and name != "CHANGELOG.md")


def is_there(dotted: str) -> bool:
    """Whether a package or module of that name is there; what a module holds may follow."""
    parts = dotted.split(".")
    paths = {name.removeprefix("clients/python/") for name in listed()}
    while len(parts) > 1:
        path = "/".join(parts)
        if f"{path}.py" in paths or f"{path}/__init__.py" in paths:
            return len(parts) >= len(dotted.split(".")) - 1
        parts.pop()
    return False


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_files_that_a_document_names_are_there(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")
    known = {PurePosixPath(each).name for each in listed()}
    assert [each for each in FILES.findall(text) if each.rpartition("/")[2] not in known] == []
    assert [each for each in DOTTED.findall(text) if not is_there(each)] == []


def test_the_modules_that_code_names_are_there() -> None:
    """Moves leave such names behind: no import breaks by them."""
    gone = [
        f"{module.path}: {each}"
        for module in modules()
        for each in DOTTED.findall((PROJECT / module.path).read_text(encoding="utf-8"))
        if not is_there(each)
    ]
    assert gone == []
