"""What the reports of all runs have in common."""

from __future__ import annotations

import json

import pytest

from outcry.stack.report import RunReport


@pytest.mark.parametrize(("verdict", "is_good"), [("ok", True), ("failed", False), ("", False)])
def test_only_ok_is_good(verdict: str, is_good: bool) -> None:
    """The exit status says it: a verdict that nobody thought of must not be 0."""
    assert RunReport(verdict=verdict, complaints=[]).is_good is is_good


def test_the_file_holds_every_field() -> None:
    text = RunReport(verdict="failed", complaints=["a book is wrong"]).to_json()
    assert json.loads(text) == {"verdict": "failed", "complaints": ["a book is wrong"]}
    assert text.endswith("}\n")
