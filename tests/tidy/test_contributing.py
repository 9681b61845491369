"""CONTRIBUTING.md lists what is to be touched for an addition: every path and every name is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.sources import PROJECT

LISTS = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## How to add\n")[2].partition("\n## ")[0]
NAMED = sorted(set(re.findall(r"`([\w./-]+\.(?:py|ts)):([\w.]+)`", LISTS)))
PATHS = sorted(set(re.findall(r"`([\w.-]+(?:/[\w.-]+)+)`", LISTS)))


def names(path: Path) -> set[str]:
    """Return a module's names, and those of its classes' methods behind a dot."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ts":
        return set(re.findall(r"^(?:export )?(?:const|class|function|interface|type) (\w+)", text, re.MULTILINE))
    return set(_names(ast.parse(text).body))


def _names(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef():
                yield node.name
                yield from (f"{node.name}.{inner}" for inner in _names(node.body))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.Assign():
                yield from (each.id for each in node.targets if isinstance(each, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def test_every_addition_has_its_list() -> None:
    headings = re.findall(r"^### An? (\w+)$", LISTS, re.MULTILINE)
    assert headings == ["request", "message", "event", "setting", "metric", "fault"]
    assert len(NAMED) > 30


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda text: text)
def test_every_name_is_there(path: str, name: str) -> None:
    """A list that names what was renamed sends people to look for it."""
    assert (PROJECT / path).exists(), f"{path} is no file any more"
    assert name in names(PROJECT / path), f"{path} has no {name} any more"


@pytest.mark.parametrize("path", PATHS)
def test_every_path_is_there(path: str) -> None:
    assert (PROJECT / path).exists()
