"""The benchmarks of whole markets run, in little, and judge what they see. Nothing here looks at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fan_out.build import NoCompiler, compiler
from benchmarks.goals.__main__ import OWN
from benchmarks.goals.rivals import JUDGES
from benchmarks.scaling.__main__ import NAMES
from benchmarks.table import Table, as_markdown, from_json, placed

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _compiler() -> None:
    try:
        compiler()
    except NoCompiler as error:
        pytest.skip(str(error))


def tables(folder: Path, *arguments: str) -> list[Table]:
    """Run one as it would be called, and return its tables."""
    results = folder / "results.json"
    command = [sys.executable, "-m", *arguments, "--tiny", "--json", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return [from_json(table) for table in found["tables"]]


def has_its_place(table: Table) -> bool:
    document = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    return bool(placed(document, [(table.name, as_markdown(table, "command", "machine"))]))


@pytest.mark.needs_redis
def test_every_curve_is_measured_and_drawn(tmp_path: Path) -> None:
    found = tables(tmp_path, "benchmarks.scaling", "--plots", str(tmp_path / "plots"))
    assert {table.name for table in found} == {f"scaling-{name}" for name in NAMES}
    for table in found:
        assert table.rows
        assert has_its_place(table)
        assert (tmp_path / "plots" / f"{table.name}.svg").exists()


@pytest.mark.needs_redis
def test_every_goal_is_measured_and_judged(tmp_path: Path) -> None:
    """Those that compare with others say that the others were not measured."""
    [table] = tables(tmp_path, "benchmarks.goals", "--results", str(tmp_path / "none.json"))
    assert has_its_place(table)
    named = [row for row in table.rows if row[0]]
    assert len(named) == len(OWN) + len(JUDGES)
    unmeasured = [row for row in named if str(row[3]).startswith("not measured")]
    assert len(unmeasured) == len(JUDGES)


@pytest.mark.needs_redis
@pytest.mark.parametrize("name", ["benchmarks.ledger", "benchmarks.ledger.catch_up"])
def test_the_ledger_catches_up(tmp_path: Path, name: str) -> None:
    [table] = tables(tmp_path, name)
    assert has_its_place(table)
    assert [row[0] for row in table.rows] == ["SQLite"]


@pytest.mark.needs_redis
def test_the_ledger_of_a_running_market_keeps_up(tmp_path: Path) -> None:
    """There is no table unless it comes to the feed's end."""
    [table] = tables(tmp_path, "benchmarks.ledger.keep_up")
    assert has_its_place(table)
    without, kept = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert without["lag at most s"] == ""
    assert isinstance(kept["lag at most s"], float)
    assert int(str(kept["MiB at most"])) > 0
