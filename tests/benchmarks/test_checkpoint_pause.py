"""The benchmark of checkpoints runs, in little, on a real engine and store. Nothing here looks at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.checkpoint_pause import WAYS
from benchmarks.table import as_markdown, from_json, placed

ROOT = Path(__file__).parents[2]


@pytest.mark.needs_redis
def test_every_way_is_measured(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks.checkpoint_pause", "--tiny", "--json", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    [found] = json.loads(results.read_text(encoding="utf-8"))["tables"]
    table = from_json(found)
    assert [row[0] for row in table.rows] == [way.title for way in WAYS]
    assert {len(row) for row in table.rows} == {len(table.columns)}
    document = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert placed(document, [(table.name, as_markdown(table, "command", "machine"))])
