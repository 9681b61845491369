"""The market loses a gateway in the middle of trading, and every book is right again."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.command import needs_server, outcry

USERS = 200


@needs_server
def test_every_book_is_right_after_a_gateway_was_killed(tmp_path: Path) -> None:
    """Gateways hold nothing that is not elsewhere: their users go to the others, resume, and lose no change."""
    report = tmp_path / "report.json"
    flags = ("--users", str(USERS), "--gateways", "3", "--seconds", "12", "--report", str(report))
    with outcry(tmp_path, "demo", *flags) as command:
        command.wait_for(lambda: f"{USERS} of {USERS} users connected" in command.output)
        command.processes("services.gateway")[0].kill()
        command.wait_for(lambda: "its users go to the others" in command.output)
        assert command.finish() == 0, command.output + command.errors
        assert "VERDICT OK" in command.output
        assert command.leaves_nothing()
    figures = json.loads(report.read_text())
    assert (figures["books_verified"], figures["books_wrong"]) == (3 * USERS, 0)
    assert figures["gaps_recovered"] == figures["gaps_seen"]
    assert figures["digests_wrong"] == 0
    assert len(figures["gateways_lost"]) == 1
    assert figures["disconnects"] >= USERS // 3
    assert sum(figures["connections_per_gateway"]) == USERS
