#!/usr/bin/env bash
# Hypothesis 6.170.15: with derandomize=True a test's examples depend on which of the project's modules happen to be imported.
#
# Why it matters to an exchange: a property test is derandomized so that it fails everywhere or nowhere. Hypothesis looks for
# numbers and texts in the sources of the project's own modules that are loaded, and tries them. So a test that has passed a
# thousand times alone, or in another worker, may fail in the whole suite, with nothing changed in test or code; and whoever
# runs the failed test alone, with the same seed and without a database, sees it pass.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hypothesis==6.170.15
mkdir "$folder/project"
cd "$folder/project"
echo 'LIMIT = 48_271_913' >limits.py
cat >seen.py <<'PYTHON'
"""Prints the numbers that a derandomized test is tried with; the modules named on the command line are imported before."""

import sys
from importlib import import_module

from hypothesis import given, settings
from hypothesis import strategies as st

for name in sys.argv[1:]:
    import_module(name)
numbers = []


@settings(derandomize=True, database=None, max_examples=400)
@given(st.integers())
def tried(number):
    numbers.append(number)


tried()
print(*numbers)
PYTHON
python="$folder/venv/bin/python"
alone=$("$python" seen.py)
again=$("$python" seen.py)
beside=$("$python" seen.py limits)
echo "$("$python" -c 'from importlib.metadata import version; print("Hypothesis", version("hypothesis"))'), derandomize=True, no database, 400 integers"
echo "expected: the same numbers each time, whatever else is imported"
same=$([ "$alone" = "$again" ] && echo yes || echo no)
changed=$([ "$alone" != "$beside" ] && echo yes || echo no)
count() { tr ' ' '\n' <<<"$1" | grep -cxE -- '-?4827191[234]' || true; }
echo "twice alone: the same? $same"
echo "with a module of the project imported that says LIMIT = 48_271_913: other numbers? $changed"
echo "numbers at that limit or beside it: $(count "$alone") alone, $(count "$beside") with the import"
if [ "$same $changed $(count "$alone")" = "yes yes 0" ] && [ "$(count "$beside")" -gt 0 ]; then
  echo "so it is"
else
  echo "this is no longer so"
  exit 1
fi
