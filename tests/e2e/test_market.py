"""The market loses parts in the middle of trading, and every book and every order is right again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outcry.chaos.aio.proving_ground import GroundOptions, proving_ground
from outcry.chaos.fault import Blow, ChaosFault, Part, Strike
from outcry.load.crew_options import CrewOptions
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from tests.e2e.command import needs_server, outcry

USERS = 1000
GATEWAYS = 3
PROMISED = {
    "seed", "faults", "recovery_ms", "first_order_ms", "books_wrong", "acknowledged_lost", "acknowledged_duplicated",
    "announced_lost", "epochs", "restarts", "appendfsync",
}  # fmt: skip


@needs_server
async def test_a_thousand_users_are_back_with_verified_books_after_a_gateway_was_killed(tmp_path: Path) -> None:
    """Gateways hold nothing that is not elsewhere: their users go to the others, resume, and lose no change."""
    allow_open_files(USERS)
    stop = StopSignal()
    told: list[str] = []
    options = StackOptions(GATEWAYS, None, None, engines=2, appendfsync="always")
    who = GroundOptions(CrewOptions(USERS, verify_percent=10, load_processes=2), traders=6, rate=20, seed=1)
    with Stack(options, tmp_path, told.append) as stack:
        await stack.start(stop)
        async with proving_ground(who, stack, stop, told.append) as ground:
            await ground.open(stack.gateway_urls)
            before = await ground.crew.statistics()
            recovery = await ground.endure(ChaosFault(0.0, (Strike(Blow.KILL, Part.GATEWAY, 0, 0.5),)))
            after = await ground.crew.statistics()
            judgement = await ground.judge()
    took = f"first order after {recovery.first_order_ms} ms, all books after {recovery.books_ms} ms"
    assert recovery.books_ms is not None, took
    assert judgement.is_good, f"{took}\n{judgement}"
    assert judgement.books.books_verified == 3 * USERS, took
    assert after.counts["disconnects"] - before.counts["disconnects"] >= USERS // GATEWAYS, took
    assert after.counts["resumes"] > before.counts["resumes"], took
    assert after.counts["digests_wrong"] == 0, took
    assert "gateway-1 was ended by signal 9; starting it again" in told
    assert ground.strange_endings() == []


@needs_server
def test_parts_that_die_and_freeze_lose_no_order_and_make_no_book_wrong(tmp_path: Path) -> None:
    """The demo's chaos is a proof only if its report can be believed: it says what happened, and what came of it."""
    report = tmp_path / "report.json"
    flags = ("--users", "60", "--gateways", "2", "--seconds", "8", "--rate", "40", "--seed", "7")
    with outcry(tmp_path, "demo", "--chaos", *flags, "--report", str(report)) as command:
        assert command.finish() == 0, command.output + command.errors
        assert "VERDICT OK" in command.output
        assert "--seed 7" in command.output
        assert command.leaves_nothing()
        assert not command.private_folders
    figures = json.loads(report.read_text())
    assert figures.keys() >= PROMISED
    assert figures["faults"]
    assert (figures["books_verified"], figures["books_wrong"]) == (180, 0)
    assert (figures["acknowledged_lost"], figures["acknowledged_duplicated"]) == (0, 0)
    assert figures["acknowledged"] > 0
    kinds = {fault["kind"] for fault in figures["faults"]}
    assert kinds == figures["recovery_ms"].keys() == figures["first_order_ms"].keys()
    assert sum(each["count"] for each in figures["recovery_ms"].values()) == len(figures["faults"])
    assert figures["appendfsync"] == "always"


@pytest.mark.parametrize("flag", ["--chaos", "--engines"])
def test_the_commands_help_tells_of_it(tmp_path: Path, flag: str) -> None:
    with outcry(tmp_path, "demo", "--help") as command:
        assert command.finish() == 0
        assert flag in command.output
