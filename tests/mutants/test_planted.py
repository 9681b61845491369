"""Faults planted by hand fit the programs as they stand, and some of them are planted here: `make mutants` has all."""

from __future__ import annotations

import pytest

from tests.mutants.copied_tree import ROOT, CopiedTree
from tests.mutants.planted import PLANTED, Planted
from tests.mutants.survivors import EQUIVALENT

QUICK = (
    "a user cancels another's order by its order_id",
    "the snapshot schedule forgets statuses",
    "a batch given up is queued again",
)
"""One of the engine, one of a schedule, one of a shell."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> CopiedTree:
    return CopiedTree(tmp_path_factory.mktemp("mutants") / "tree")


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.what)
def test_a_planted_fault_fits(planted: Planted) -> None:
    """Where its text no longer stands the program has changed, and the fault must be planted anew."""
    text = (ROOT / planted.file).read_text(encoding="utf-8")
    assert planted.planted_in(text) != text
    for test in planted.tests:
        assert (ROOT / test.partition("::")[0]).exists(), test


def test_a_fault_that_does_not_fit_says_so() -> None:
    planted = Planted("nothing", "README.md", "no such text", "", ())
    with pytest.raises(ValueError, match=r"nothing: its text stands 0 times in README\.md; plant it anew"):
        planted.planted_in("another text")


@pytest.mark.parametrize("planted", [each for each in PLANTED if each.what in QUICK], ids=lambda planted: planted.what)
def test_a_planted_fault_is_found(tree: CopiedTree, planted: Planted) -> None:
    whole = tree.read(planted.file)
    tree.write(planted.file, planted.planted_in(whole))
    try:
        assert tree.failing_test(planted.tests)
    finally:
        tree.write(planted.file, whole)


def test_without_a_fault_nothing_fails(tree: CopiedTree) -> None:
    """Else every fault would count as found."""
    [planted] = [each for each in PLANTED if each.what == QUICK[1]]
    assert tree.failing_test(planted.tests) == ""


def test_the_list_names_each_once() -> None:
    assert len({each.what for each in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize(("file", "line"), sorted({key[:2] for key in EQUIVALENT}))
def test_an_excused_fault_is_of_a_line_that_stands(file: str, line: str) -> None:
    """Where the line has changed, its excuse must be thought of anew."""
    assert line in map(str.strip, (ROOT / file).read_text(encoding="utf-8").splitlines())
