"""docs/architecture.md names functions: each of them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.tidy.sources import PROJECT

ARCHITECTURE = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
HOPS = ARCHITECTURE.partition("## One order, hop by hop")[2].partition("\n## ")[0]
FOLDERS = {
    "gateway": "services/gateway",
    "matching": "services/matching",
    "shared": "shared",
    "wire": "clients/python/openoutcry/wire",
}
NAMED = sorted(set(re.findall(r"`((?:gateway|matching|shared|wire)/[a-z_/]+)\.(?:py:)?([a-z_]+)`", HOPS)))


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_way_of_an_order_is_described() -> None:
    rows = [line for line in HOPS.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, 14))
    assert len(NAMED) > 30


@pytest.mark.parametrize(("module", "function"), NAMED, ids=lambda name: name)
def test_every_function_of_the_way_is_there(module: str, function: str) -> None:
    """A newcomer follows the table with the files open; a renamed function must not leave them standing."""
    room, _, rest = module.partition("/")
    path = PROJECT / FOLDERS[room] / f"{rest}.py"
    assert path.exists(), f"{module} is no module any more"
    assert function in functions(path), f"{module} has no {function} any more"
