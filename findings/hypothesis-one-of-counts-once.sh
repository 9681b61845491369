#!/usr/bin/env bash
# Hypothesis 6.170.15: a strategy that stands nine times in `one_of` is drawn no more often than one that stands once.
#
# Why it matters to an exchange: random order flow is written as a mix, nine orders to one cancel. Repeating the commoner kind
# looks like its weight, and the docs of no other generator say otherwise. Here a flow that was to trade hardly traded: an
# oracle that judges every fill had seen none in hundreds of examples, and was green.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hypothesis==6.170.15
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from collections import Counter

import hypothesis
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

order, cancel = st.just("order"), st.just("cancel")
TIMES = 9


def share_of_orders(strategy: st.SearchStrategy[str]) -> float:
    seen: Counter[str] = Counter()

    @seed(1)
    @settings(max_examples=1_000, database=None, phases=[Phase.generate])
    @given(st.lists(strategy, min_size=10, max_size=10))
    def draw(found: list[str]) -> None:
        seen.update(found)

    draw()
    return seen["order"] / sum(seen.values())


repeated = share_of_orders(st.one_of(*[order] * TIMES, cancel))
sampled = share_of_orders(st.sampled_from([*[order] * TIMES, cancel]).flatmap(lambda strategy: strategy))
print(f"hypothesis {hypothesis.__version__}, `order` named {TIMES} times beside `cancel` named once")
print(f"one would expect: {TIMES / (TIMES + 1):.0%} orders")
print(f"  one_of:                      {repeated:.0%} orders")
print(f"  sampled_from(…).flatmap(…):  {sampled:.0%} orders")
print("it does: one_of takes a strategy that is named again for the same one, and chooses evenly among those that differ")
sys.exit(0 if repeated < 0.6 and sampled > 0.85 else "no longer so")
PYTHON
