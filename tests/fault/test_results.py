"""How results become the table of docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fault.results import BEGIN, END, Results, Row, placed, table

GOOD = Row("kill -9 leader", 2, 0, 0, 0, 0, [1000.0, 1400.0], [1500.0, 1900.0], [])
LOST = GOOD._replace(fault="kill -9 redis", lost=1, announced_lost=3)
NEVER = GOOD._replace(fault="full disk", recovery_ms=[], complaints=["try 1: the market did not recover"])
SKIPPED = Row("full disk", 0, 0, 0, 0, 0, (), (), (), skipped="only root may mount a disk")


def results(*rows: Row) -> Results:
    return Results(200, 20, 9000, "2 cores", list(rows))


def test_a_row_has_what_came_of_a_fault() -> None:
    assert "| kill -9 leader | 2 | 0 | 0 | 0 | 1.20 | 1.70, 1.90 |" in table(results(GOOD))
    assert "| 1 (and 3 announced) |" in table(results(LOST))


def test_what_was_not_tried_is_named_with_the_reason() -> None:
    assert "| full disk | not tried: only root may mount a disk |" in table(results(GOOD, SKIPPED))


def test_one_bad_row_is_a_bad_run_and_so_is_none_at_all() -> None:
    assert results(GOOD, SKIPPED).is_good
    assert not results(GOOD, LOST).is_good
    assert not results(GOOD, NEVER).is_good
    assert not results(SKIPPED).is_good


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(results(GOOD, LOST).to_json())
    assert table(Results.read(path)) == table(results(GOOD, LOST))


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    document = f"before\n{BEGIN}old\n{END}after\n"
    assert placed(document, "new\n") == f"before\n{BEGIN}new\n{END}after\n"
    with pytest.raises(ValueError, match="faults:begin"):
        placed("nothing", "new")
