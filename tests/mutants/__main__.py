"""
`make mutants`: faults planted by hand in the shells, and MUTANTS=300 generated ones in the pure modules, in two copies.

ONLY=words plants those by hand whose description has them. The exit status is 1 if any was not found.
"""

# ruff: noqa: T201 - a command prints
from __future__ import annotations

import argparse
import queue
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.copied_tree import CopiedTree
from tests.mutants.planted import PLANTED, Planted


def main() -> int:
    """Plant each, and see it found."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", default="", help="words of the descriptions of those planted by hand")
    parser.add_argument("--jobs", type=int, default=2, help="copies of the tree")
    options = parser.parse_args()
    chosen = [each for each in PLANTED if options.only in each.what]
    with tempfile.TemporaryDirectory() as folder:
        survivors = 0
        for planted, failing in found(chosen, Path(folder), options.jobs):
            survivors += not failing
            print(f"{'found ' if failing else 'ALIVE '} {planted.what}: {failing}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} found")
    return bool(survivors)


def found(chosen: Sequence[Planted], folder: Path, jobs: int) -> Iterator[tuple[Planted, str]]:
    """Plant faults, a copy of the tree each job, and give each with the test that failed."""
    trees: queue.Queue[CopiedTree] = queue.Queue()
    for number in range(jobs):
        trees.put(CopiedTree(folder / str(number)))

    def plant(planted: Planted) -> tuple[Planted, str]:
        tree = trees.get()
        text = tree.read(planted.file)
        try:
            tree.write(planted.file, planted.planted_in(text))
            return planted, tree.failing_test(planted.tests)
        finally:
            tree.write(planted.file, text)
            trees.put(tree)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(plant, chosen)


if __name__ == "__main__":
    sys.exit(main())
