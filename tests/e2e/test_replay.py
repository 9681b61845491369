"""Recorded order flow through the whole market."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import pytest

from outcry.stack.aio.free_ports import free_ports
from tests.e2e.command import needs_server, outcry

AAPL = Path(__file__).parents[3] / "shared" / "data" / "AAPL_2012-06-21_message_50.csv.gz"
LINES = 3_000


@needs_server
@pytest.mark.skipif(not AAPL.exists(), reason=f"real order flow is not part of this repository: no {AAPL.name}")
def test_real_flow_ends_with_every_book_right(tmp_path: Path) -> None:
    flow, report = tmp_path / "AAPL.csv", tmp_path / "report.json"
    with gzip.open(AAPL, "rt") as lines:
        flow.write_text("".join(itertools.islice(lines, LINES)))
    flags = ("--users", "30", "--gateways", "2", "--speed", "max", "--instrument", "AAPL", "--report", str(report))
    with outcry(tmp_path, "demo", "--replay", str(flow), *flags) as command:
        assert command.finish() == 0, command.output + command.errors
        assert command.leaves_nothing()
    figures = json.loads(report.read_text())
    assert (figures["books_verified"], figures["books_wrong"]) == (30, 0)
    replay = figures["replay"]
    assert replay["messages"] == LINES
    # What is not passed over is a command, and beside those only earlier replays' withdrawals are sent.
    assert figures["commands"] == LINES - sum(replay["skipped"].values())
    assert figures["trades"] > 0


@needs_server
def test_a_bad_line_ends_it_and_is_named(tmp_path: Path) -> None:
    flow = tmp_path / "flow.csv"
    flow.write_text("34200.1,1,5,10,1000000,1\n34200.2,1,6,10,1000000,0\n")
    with outcry(tmp_path, "demo", "--replay", str(flow), "--users", "3", "--gateways", "1") as command:
        assert command.finish() == 1
        assert "flow.csv line 2, column 6 (direction): must be 1 or -1, not '0'" in command.errors
        assert "Traceback" not in command.errors
        assert command.leaves_nothing()


@needs_server
def test_the_command_feeds_a_running_exchange_and_sums_up(tmp_path: Path) -> None:
    """An instrument that nobody has listed is listed for the occasion."""
    flow = tmp_path / "flow.csv"
    flow.write_text(
        "34200.1,1,5,10,1000000,1\n34200.2,4,5,4,1000000,1\n34200.3,5,0,9,1000000,1\n34200.4,3,8,9,1000000,1\n"
    )
    stack, feeding = tmp_path / "stack", tmp_path / "feeding"
    stack.mkdir()
    feeding.mkdir()
    (port,) = free_ports(1)
    with outcry(stack, "up", "--gateways", "1", "--port", str(port), "--bots", "0") as up:
        up.wait_for(lambda: up.output.endswith("\n"))
        redis_url = json.loads(up.output)["redis"]
        flags = ("--instrument", "NEW", "--speed", "max", "--redis-url", redis_url)
        with outcry(feeding, "replay", str(flow), *flags) as command:
            assert command.finish() == 0, command.errors
            assert "4 messages" in command.errors
            assert "NEW made 1 trades and is at seq 2" in command.errors
            assert "1 passed over: execution of a hidden order" in command.errors
            assert "1 passed over: names an order that the file never entered" in command.errors
