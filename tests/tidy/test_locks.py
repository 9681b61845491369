"""Lock files hold names, versions and hashes: an address would tie every build to one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy.sources import PROJECT

LOCKS = [
    PROJECT / "package-lock.json",
    *(path for folder in (".", "deploy", "clients/python") for path in sorted((PROJECT / folder).glob("*.lock"))),
]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_file_has_no_address(path: Path) -> None:
    """`npm install` writes where packages ask for money; take such blocks out again."""
    assert "://" not in path.read_text("utf-8")


def test_all_lock_files_are_looked_at() -> None:
    assert len(LOCKS) == 5
