"""
`make mutants`: faults planted by hand in shells and script, and MUTANTS=300 made by rule in the pure modules.

SEED=1 draws others, ONLY=words plants those by hand whose description has them, alone. Each runs its quick tests, in
two copies of the tree. The exit status is 1 if one planted by hand lives, or more than 3 % of the others.
"""

# ruff: noqa: T201 - a command prints
from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.mutants import generated
from tests.mutants.copied_tree import ROOT
from tests.mutants.fault import GOAL, Fault, Score, Tried, plant
from tests.mutants.planted import PLANTED, Planted

BEGIN: Final = "<!-- mutants:begin -->\n"
END: Final = "<!-- mutants:end -->"


def main() -> int:
    """Plant each, and see it found."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", default="", help="words of the descriptions of those planted by hand; no others")
    parser.add_argument("--generated", type=int, default=0, help="how many to make by rule; 0 makes none")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument("--jobs", type=int, default=2, help="copies of the tree")
    parser.add_argument("--docs", type=Path, help="document whose part about this is written anew")
    options = parser.parse_args()
    by_hand = Score(_tried([_of(each) for each in PLANTED if options.only in each.what], options.jobs))
    print(f"planted by hand: {by_hand}", flush=True)
    drawn = [] if options.only else generated.draw(ROOT, options.generated, options.seed)
    by_rule = Score(_tried([_made(each) for each in drawn], options.jobs))
    print(f"made by rule, seed {options.seed}: {by_rule}")
    if options.docs is not None:
        lines = by_hand.markdown("Planted by hand")
        lines += by_rule.markdown(f"Made by rule, MUTANTS={options.generated} SEED={options.seed}")
        document = options.docs.read_text(encoding="utf-8")
        part = BEGIN + "\n".join(lines).rstrip() + "\n" + END
        options.docs.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: part, document, flags=re.DOTALL), encoding="utf-8")
    return bool(by_hand.alive) or by_rule.share < GOAL


def _tried(faults: Sequence[Fault], jobs: int) -> list[Tried]:
    tried: list[Tried] = []
    if faults:
        with tempfile.TemporaryDirectory() as folder:
            for each in plant(faults, Path(folder), jobs):
                tried.append(each)
                verdict = "found     " if each.failing else "equivalent" if each.excuse else "ALIVE     "
                print(f"{verdict} {each.fault.what}  [{each.failing or each.excuse}]", flush=True)
    return tried


def _of(planted: Planted) -> Fault:
    text = planted.planted_in((ROOT / planted.file).read_text(encoding="utf-8"))
    return Fault(planted.what, (planted.file, planted.old, planted.new), text, planted.tests)


def _made(made: generated.Generated) -> Fault:
    what = f"{made.file}:{made.line} {made.rule}: {made.before} → {made.after}"
    return Fault(what, (made.file, made.before, made.after), made.text, made.tests)


if __name__ == "__main__":
    sys.exit(main())
