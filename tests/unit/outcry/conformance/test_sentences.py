"""Every check proves a sentence of docs/protocol.md, which stands there word for word under the heading it names."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from outcry.conformance.aio.checks import all_checks
from outcry.conformance.check import Check

DOCUMENT = Path(__file__).parents[4] / "docs" / "protocol.md"


def sections() -> dict[str, str]:
    """Headings to what stands under them, white space made one; a section holds its subsections."""
    parts = re.split(r"^(#+) (.+)$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: dict[str, str] = {}
    open_headings: list[tuple[int, str]] = []
    for marks, heading, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        open_headings = [(level, name) for level, name in open_headings if level < len(marks)]
        open_headings.append((len(marks), heading))
        for _, name in open_headings:
            found[name] = " ".join(f"{found.get(name, '')} {text}".split())
    return found


SECTIONS = sections()


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_the_sentence_stands_in_the_document(check: Check) -> None:
    """A check that quotes what nobody promises would fail servers that keep every promise."""
    assert check.section in SECTIONS
    quoted = check.sentence.removesuffix(".")
    assert quoted.casefold() in SECTIONS[check.section].casefold()


def test_names_are_unique_and_sorted_by_subject() -> None:
    """`--only` and reports go by them."""
    names = [check.name for check in all_checks()]
    assert len(set(names)) == len(names)
    subjects = [name.partition(".")[0] for name in names]
    assert len([1 for before, after in pairwise(subjects) if before != after]) + 1 == len(set(subjects))
