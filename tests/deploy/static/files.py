"""The deployment's files, read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

PROJECT: Final = Path(__file__).parents[3]
RANGE: Final = range(18101, 18109)
"""Ports of gateways on the host's network."""


class _ComposeLoader(yaml.SafeLoader):
    """Knows compose's own tags, which say how an override's value joins the original."""


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


for _tag in ("!reset", "!override"):
    _ComposeLoader.add_constructor(_tag, _plain)


def compose(name: str = "docker-compose.yml") -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((PROJECT / name).read_text(), _ComposeLoader)
    return found


def text(path: str) -> str:
    return (PROJECT / path).read_text()


def document(path: str) -> Any:
    return yaml.safe_load(text(path))


def headings(path: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", text(path), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in found}
