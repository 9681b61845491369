"""`outcry load`: real users against real exchanges, its figures, its verdicts, and its end."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from outcry.stack.aio.free_ports import free_neighbours
from tests.e2e.command import needs_server, outcry

SMALL = ("load", "--users", "30", "--ramp", "0.5", "--seconds", "3", "--gateways", "2", "--verify", "20")
HOPS = ("engine to gateway", "wait for the pace", "flush", "gateway to client")


def figures_of(report: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(report.read_text())
    return figures


@needs_server
def test_an_exchange_of_its_own_is_loaded_measured_and_proven(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    report, page = tmp_path / "r.json", tmp_path / "r.html"
    flags = ("--orders", "60", "--slow", "0.1", "--churn", "0.1", "--report", str(report), "--html", str(page))
    with outcry(tmp_path, *SMALL, *flags) as command:
        assert command.finish() == 0, command.errors
        assert "VERDICT OK: every user's book is the engine's" in command.output
        assert command.leaves_nothing()
        assert not command.private_folders
    figures = figures_of(report)
    assert (figures["users"], figures["slow_users"], figures["books_verified"], figures["books_wrong"]) == (
        30,
        3,
        81,
        0,
    )
    counts = figures["counts"]
    assert counts["digests_checked"] > 0
    assert (counts["digests_wrong"], counts["gaps_seen"], counts["disconnects"], counts["refusals"]) == (0, 0, 0, 0)
    # The users of one process are picked at random: some may leave while they are still away.
    assert counts["departures"] > 0
    assert counts["resumes"] > 0
    assert counts["orders_sent"] == pytest.approx(60 * figures["seconds"], rel=0.2)
    assert counts["orders_accepted"] > 0.7 * counts["orders_sent"]
    assert figures["delays_ms"]["accepted"]["p50"] >= figures["delays_ms"]["accepted_service"]["p50"]
    assert figures["latency_ms"]["count"] == pytest.approx(counts["deltas"], rel=0.2)
    assert all(figures["hops_ms"][hop]["count"] > 0 for hop in HOPS)
    assert {"gateway-1", "gateway-2", "matching", "redis", "bots", "load"} <= figures["cpu_seconds"].keys()
    assert len(figures["series"]) >= 3
    assert page.read_text().count("<svg") == 8


@needs_server
def test_a_lost_gateways_users_are_whole_again_at_the_others(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    with outcry(tmp_path, *SMALL, "--scenario", "loss", "--report", str(report)) as command:
        assert command.finish() == 0, command.errors
        assert "gateway-2 was ended by signal 9; its users go to the others" in command.output
        assert command.leaves_nothing()
    figures = figures_of(report)
    (happening,) = figures["happenings"]
    assert happening["text"] == "killed gateway-2 (SIGKILL)"
    assert happening["users_affected"] == 15
    assert 0 < happening["whole_again_s"] < 10
    assert figures["counts"]["disconnects"] == figures["counts"]["returns"] == 15
    assert figures["counts"]["resumes"] == 45
    assert figures["series"][-1]["per_gateway"] == [30, 0]
    assert [phase["name"] for phase in figures["phases"]] == ["until gateway lost", "after gateway lost"]


@needs_server
def test_somebody_elses_exchange_is_proven_by_agreement(tmp_path: Path) -> None:
    """Its market moves on while books are compared, and nothing of it is known but its gateways."""
    (tmp_path / "up").mkdir()
    report = tmp_path / "r.json"
    port = free_neighbours(2)
    with outcry(tmp_path / "up", "up", "--gateways", "2", "--port", str(port), "--bots", "100") as up:
        up.wait_for(lambda: up.output.endswith("\n"))
        ready = json.loads(up.output)
        flags = ("--url", ready["gateways"][0], "--url", ready["gateways"][1], "--token-file", ready["tokens"])
        mix = ("--mix", "book:2,top:ACME@5,ticker:*/250,trades:1")
        with outcry(tmp_path, *SMALL, *flags, *mix, "--scenario", "storm", "--report", str(report)) as command:
            assert command.finish() == 0, command.errors
            assert "VERDICT OK: users at the same (instrument, epoch, seq) had the same digest" in command.output
            assert command.leaves_nothing()
        up.signal(signal.SIGTERM)
        assert up.finish() == 0, up.errors
    figures = figures_of(report)
    assert (figures["deployment"], figures["books_verified"], figures["books_wrong"]) == ("foreign", 60, 0)
    assert figures["counts"]["departures"] == figures["counts"]["returns"] == 30
    assert figures["happenings"][0]["whole_again_s"] is not None
    assert figures["counts"]["tops"] > 0
    assert figures["counts"]["trades"] > 0
    assert figures["hops_ms"]["engine to gateway"] != "not reported"


@needs_server
def test_ctrl_c_ends_it_early_with_a_report(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    with outcry(tmp_path, *SMALL[:-2], "--seconds", "600", "--report", str(report)) as command:
        command.wait_for(lambda: "measuring" in command.output)
        command.signal(signal.SIGINT)
        assert command.finish() == 0, command.errors
        assert command.leaves_nothing()
    assert figures_of(report)["seconds"] < 60


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--users", "0"), "--users must be 1 to"),
        (("--mix", "candles:*"), "--mix: 'candles:*' must begin with one of"),
        (("--scenario", "quake"), "--scenario must be one of steady, burst"),
        (("--pace", "-1"), "--pace must be 0 to 1000"),
        (("--url", "ws://127.0.0.1:1/v1/stream"), "give --token-file or --secret-file"),
        (("--url", "ws://127.0.0.1:1/v1/stream", "--token-file", "nowhere"), "cannot read nowhere"),
    ],
)
def test_misuse_is_told_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    with outcry(tmp_path, "load", *arguments) as command:
        assert command.finish() == 2
        assert said in command.errors
        assert "Traceback" not in command.errors
        assert command.leaves_nothing()


def test_scenarios_are_listed(tmp_path: Path) -> None:
    with outcry(tmp_path, "load", "--list-scenarios") as command:
        assert command.finish() == 0
        assert "storm" in command.output


def test_help_names_every_flag(tmp_path: Path) -> None:
    """A bracket in a help text would be taken for markup, and fail only here."""
    with outcry(tmp_path, "load", "--help") as command:
        assert command.finish() == 0, command.errors
        for flag in ("--url", "--mix", "--churn", "--scenario", "--html", "--loss-command"):
            assert flag in command.output
