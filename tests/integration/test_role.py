"""Roles that talk, one after another on one event loop."""

from __future__ import annotations

from pathlib import Path

from outcry.stack.aio.role import RoleProcess


async def test_a_role_is_heard_whose_pipe_has_the_number_of_an_earlier_ones(tmp_path: Path) -> None:
    """Found by benchmarks: the pipe of a role that had ended was closed behind the event loop's back."""
    for number in range(4):
        with RoleProcess(f"role-{number}", "tests.integration.ready_role", tmp_path) as role:
            await role.start()
            assert (await role.hear("ready", 20))["event"] == "ready"
