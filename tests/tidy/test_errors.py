"""The drawings of the error trees leave no class out, and put each under its base."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.tidy.sources import PROJECT, modules

ROOTS = ("Exception", "RedisError")
LINE = re.compile(r"^(?P<bars>(?:[│ ]   )*)(?:[├└]── )?(?P<name>[A-Z]\w+)(?:  .*)?$")


def drawn(text: str) -> dict[str, str]:
    """Return each class of a drawing with the class that it hangs on; a root hangs on nothing."""
    found: dict[str, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        if not re.match(r"^(OpenOutcryError|Exception|RedisError)$|^[│├└ ]", line) or not (parts := LINE.match(line)):
            continue
        depth = len(parts["bars"]) // 4 + ("── " in line)
        path = [*path[:depth], parts["name"]]
        found[parts["name"]] = path[-2] if depth else ""
    return found


def defined(package: str) -> dict[str, str]:
    """Return the public errors under a path, with their first base."""
    classes = {node.name: node for _, node in _classes("")}

    def is_error(name: str) -> bool:
        return name in ROOTS or (name in classes and any(map(is_error, _bases(classes[name]))))

    return {node.name: _bases(node)[0] for _, node in _classes(package) if is_error(node.name)}


def _classes(package: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for module in modules():
        for node in module.tree.body:
            if module.path.startswith(package) and isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield module.path, node


def _bases(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(base).rpartition(".")[2] for base in node.bases]


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("docs/architecture.md", ""),
        ("clients/python/openoutcry/errors.py", "clients/python/openoutcry/"),
        ("clients/python/openoutcry/wire/errors.py", "clients/python/openoutcry/wire/"),
        ("shared/store_errors.py", "shared/store_errors.py"),
    ],
)
def test_every_error_is_drawn_under_its_base(path: str, package: str) -> None:
    """The drawings left ten classes out."""
    text = (PROJECT / path).read_text("utf-8")
    if path.endswith(".md"):
        text = text.partition("\n## Errors\n")[2].partition("\n## ")[0]
    else:
        text = ast.get_docstring(ast.parse(text)) or ""
    tree = {name: base for name, base in drawn(text).items() if name not in (*ROOTS, "OpenOutcryError")}
    found = {name: base for name, base in defined(package).items() if name != "OpenOutcryError"}
    assert tree == found
    assert len(found) > 2
