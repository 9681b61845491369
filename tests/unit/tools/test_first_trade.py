"""The newcomer's path: its table, and where it is written. Walking it takes minutes: `make first-trade`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.first_trade.__main__ import BEGIN, END, put
from tools.first_trade.walk import PathBlocked, Step, table, walk


def test_the_table_ends_with_the_sum() -> None:
    lines = table([Step("`git clone`", 1.25), Step("`make install`", 40.5)]).splitlines()
    assert lines[2:] == [
        "| `git clone` | 1.2 |",
        "| `make install` | 40.5 |",
        "| **from the clone to the first trade** | **41.8** |",
    ]


def test_the_table_is_put_between_its_marks_and_again(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\n{END}\n\nafter\n")
    put(page, "old")
    put(page, "new")
    assert page.read_text() == f"before\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"


def test_without_marks_nothing_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(SystemExit, match="has not both marks"):
        put(page, "new")
    assert page.read_text() == "nothing"


def test_a_step_that_fails_ends_the_path_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(PathBlocked, match=r"`git clone`\n.*nowhere"):
        list(walk(str(tmp_path / "nowhere"), tmp_path, users=1))


def test_a_clone_that_cannot_be_installed_ends_it_too(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    git = ["git", "-C", str(source), "-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    (source / "Makefile").write_text("install:\n\t@echo no room; exit 3\n")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        subprocess.run([*git, *command], check=True)
    steps = walk(str(source), tmp_path / "here", users=1)
    (tmp_path / "here").mkdir()
    assert next(steps).done == "`git clone`"
    with pytest.raises(PathBlocked, match="no room"):
        next(steps)
