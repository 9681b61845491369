"""Every relative link in the documents leads to a file that is there, and to a heading that it has."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
_FENCE: Final = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`[^`\n]*`")
_LINK: Final = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")


def _documents() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return sorted(listed.stdout.split())
    found = (path.relative_to(PROJECT) for path in PROJECT.rglob("*.md"))  # a copy without git
    return sorted(str(path) for path in found if not {".venv", "node_modules", "build"} & set(path.parts))


DOCUMENTS: Final = _documents()


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings as GitHub makes them, and those that stand in it as HTML."""
    text = _FENCE.sub("", path.read_text())
    seen: Counter[str] = Counter()
    anchors = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return anchors


def _broken(document: Path) -> Iterator[str]:
    text = _CODE.sub("", _FENCE.sub("", document.read_text()))
    for target in _LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        if not there.exists() or not there.is_relative_to(PROJECT):
            yield f"{target}: no such file"
        elif anchor and there.suffix == ".md" and anchor not in _anchors(there):
            yield f"{target}: no such heading"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    assert list(_broken(PROJECT / name)) == []


def test_a_broken_link_would_be_seen(tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text("# The `one` heading\n\n## Twice\n\n## Twice\n\n```\n# none\n```\n")
    assert _anchors(other) == {"the-one-heading", "twice", "twice-1"}
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](missing.md) [`b`](other.md#none) [c](#here) [d](https://x.y) `[e](no.md)`\n")
    assert any("missing.md" in each for each in _broken(page))


def test_there_are_documents() -> None:
    assert {"README.md", "docs/protocol.md", "clients/typescript/README.md"} <= set(DOCUMENTS)
