"""One fault to be planted, however it was made, and what a run of many comes to."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutants.copied_tree import CopiedTree
from tests.mutants.survivors import EQUIVALENT

GOAL: Final = 0.97
"""Least share of faults that must be found; those that change nothing that can be seen are not counted."""


class Fault(NamedTuple):
    """A file with a fault in it."""

    what: str
    key: tuple[str, str, str]
    """File, and the line without and with the fault; names it while other lines come and go."""
    text: str
    """Of the whole file."""
    tests: tuple[str, ...]


class Tried(NamedTuple):
    """A fault that was planted."""

    fault: Fault
    failing: str
    """The test that found it; empty if none did."""

    @property
    def excuse(self) -> str:
        """Why a survivor is no fault; empty if it is one."""
        return "" if self.failing else EQUIVALENT.get(self.fault.key, "")


def plant(faults: Sequence[Fault], folder: Path, jobs: int) -> Iterator[Tried]:
    """Plant each in a copy of the tree, as many copies as jobs, and tell what found it; in the order given."""
    trees: queue.Queue[CopiedTree] = queue.Queue()
    for number in range(jobs):
        trees.put(CopiedTree(folder / str(number)))

    def try_one(fault: Fault) -> Tried:
        tree, file = trees.get(), fault.key[0]
        whole = tree.read(file)
        try:
            tree.write(file, fault.text)
            return Tried(fault, tree.failing_test(fault.tests))
        finally:
            tree.write(file, whole)
            trees.put(tree)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(try_one, faults)


class Score:
    """What a run comes to."""

    def __init__(self, tried: Sequence[Tried]) -> None:
        self.total = len(tried)
        self.found = sum(bool(each.failing) for each in tried)
        self.excused = [each for each in tried if each.excuse]
        self.alive = [each for each in tried if not each.failing and not each.excuse]

    @property
    def share(self) -> float:
        """Share of those found, of those that could be."""
        counted = self.total - len(self.excused)
        return self.found / counted if counted else 1.0

    def __str__(self) -> str:
        return (
            f"{self.found} of {self.total} found, {len(self.excused)} change nothing that can be seen, "
            f"{len(self.alive)} alive: {self.share:.1%}"
        )

    def markdown(self, title: str) -> list[str]:
        """Return the score and every survivor, as lines of a document."""
        rows = [(each, each.excuse or "**alive**") for each in (*self.alive, *self.excused)]
        lines = [f"**{title}**: {self}.", ""]
        if rows:
            lines += ["| survivor | why |", "| --- | --- |"]
            lines += [f"| `{each.fault.what.replace('|', chr(92) + '|')}` | {why} |" for each, why in rows] + [""]
        return lines
