"""Tables survive JSON, find their places over several documents, and are drawn the same way twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from benchmarks.__main__ import main
from benchmarks.command import save
from benchmarks.fan_out.tables import COST_COLUMNS
from benchmarks.goals.goal import Goal, Missing, at_least, at_most, rows
from benchmarks.goals.order_senders import crossing_orders
from benchmarks.goals.rivals import goals, read_results
from benchmarks.measure import Spread, Timing
from benchmarks.plots import PLOTS, write_plot
from benchmarks.scaling.__main__ import NAMES
from benchmarks.scaling.curve import COLUMNS, CURVES, Sight
from benchmarks.scaling.orders import COLUMNS as ORDER_COLUMNS
from benchmarks.table import NoPlace, Table, as_json, as_markdown, from_json, place

TABLE = Table("a", "What.", ["x", "y"], [["one", Timing(1.0, 0.5, 2.0)], [2, Spread(1.0, 0.5, 2.0)], [3.5, 1]])


def test_a_table_survives_json() -> None:
    """The documents are written from the file of results, not from the run."""
    assert from_json(json.loads(json.dumps(as_json(TABLE)))) == TABLE


def test_results_replace_those_of_the_same_name_and_leave_the_others(tmp_path: Path) -> None:
    """One part may be measured again without the half hour of all."""
    path = tmp_path / "results.json"
    save(path, [{"name": "a", "n": 1}, {"name": "b", "n": 1}])
    save(path, [{"name": "b", "n": 2}])
    assert json.loads(path.read_text())["tables"] == [{"name": "a", "n": 1}, {"name": "b", "n": 2}]


def test_each_table_goes_to_the_document_that_has_its_place(tmp_path: Path) -> None:
    first, second = tmp_path / "1.md", tmp_path / "2.md"
    first.write_text("<!-- table: a -->\n<!-- end -->\n")
    second.write_text("<!-- table: b -->\n<!-- end -->\n")
    place([first, second], [("b", "B\n"), ("a", "A\n")])
    assert "A" in first.read_text()
    assert "B" in second.read_text()
    with pytest.raises(NoPlace, match="c"):
        place([first, second], [("c", "C\n")])


def test_a_single_run_shows_no_spread() -> None:
    table = Table("a", "What.", ["x"], [[Spread(2.0, 2.0, 2.0)], [Spread(2.0, 1.0, 3.0)]])
    assert as_markdown(table, "c", "m").count("±") == 1


def test_every_curve_has_a_plot_whose_columns_are_in_its_table(tmp_path: Path) -> None:
    assert set(PLOTS) == {f"scaling-{name}" for name in NAMES}
    for name, plot in PLOTS.items():
        known = {*COLUMNS, "open s"} if name.partition("-")[2] in CURVES else set(ORDER_COLUMNS)
        assert {column for panel in plot.panels for column in panel.columns} <= known


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    """A plot that changed without its figures would make every run a change of the repository."""
    columns = ["orders/s", *ORDER_COLUMNS]
    cells = [[x, *(Spread(x / 10, x / 20, x / 5) for _ in ORDER_COLUMNS)] for x in (100, 1000)]
    table = Table("scaling-orders", "What.", columns, cells)
    first = write_plot(table, tmp_path).read_bytes()
    assert write_plot(table, tmp_path).read_bytes() == first
    assert b"<dc:date>" not in first
    assert len(first) < 100_000


def test_a_curve_makes_a_row_of_each_setting() -> None:
    curve = CURVES["users"]
    table = curve.table({x: Sight(0.5, []) for x in ()})
    assert table.rows == []
    assert list(table.columns[2:]) == list(COLUMNS)


def test_a_goal_is_judged_by_the_median() -> None:
    """One lucky run does not reach a goal, and one unlucky run does not miss it."""
    assert at_most("ms", [1.0, 2.0, 90.0], 2).is_reached
    assert not at_most("ms", [1.0, 2.1, 90.0], 2).is_reached
    assert at_least("a second", [1.0, 2.0, 90.0], 2).is_reached
    found = [at_most("ms", [1.0], 2), at_least("a second", [1.0], 2)]
    assert [row[-1] for row in rows(Goal("g", "goal", lambda _: found), found)] == ["reached", "**missed**"]


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    goal = Goal("g", "goal", lambda _: Missing("no peers"))
    [row] = rows(goal, Missing("no peers"))
    assert row[3:] == ["not measured: no peers", ""]


def test_goals_beside_others_come_from_the_results(tmp_path: Path) -> None:
    """And say which table is missing when there is none."""
    path = tmp_path / "results.json"
    assert read_results(path) == {}
    width = len(COST_COLUMNS) - 1
    ours, nats = ([name, *([Spread(n, n, n)] * width)] for name, n in (("**OpenOutcry**", 0.9), ("nats-server", 1.0)))
    save(path, [as_json(Table("fan-out", "What.", COST_COLUMNS, [ours, nats, ["nchan: absent", *("-" * width)]]))])
    verdicts = {
        goal.name: [row[-1] for row in rows(goal, goal.measure(None))]  # type: ignore[arg-type]
        for goal in goals(read_results(path))
    }
    assert verdicts["delivery"] == ["reached"]
    assert verdicts["beside-c"] == ["reached", "reached"]
    assert verdicts["beside-nats"] == ["reached", "reached"]
    assert verdicts["engine"] == verdicts["engine-peers"] == verdicts["conveyed"] == [""]


def test_an_unknown_name_is_refused_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "goals,speed"])
    assert "speed: must be some of messages" in capsys.readouterr().err


def test_the_sustained_flow_leaves_nothing_behind() -> None:
    """Else its book would grow by the second, and the last order would cost more than the first."""
    orders = crossing_orders(10)
    asks, bids = ([order for order in orders if order["side"] == side] for side in ("ask", "bid"))
    assert len(asks) == len(bids) == 10
    assert min(cast("int", bid["price"]) for bid in bids) >= max(cast("int", ask["price"]) for ask in asks)
    assert {order["quantity"] for order in orders} == {1}
