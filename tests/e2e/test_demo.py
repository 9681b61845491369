"""`outcry demo`: the whole market, its figures, its verdict, and its end."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.command import needs_server, outcry

PROMISED = {
    "users", "gateways", "seconds", "updates_published", "updates_delivered", "frames_delivered", "books_verified",
    "books_wrong", "gaps_seen", "gaps_recovered", "disconnects", "latency_ms", "connections_per_gateway",
    "cpu_seconds", "rss_mib",
}  # fmt: skip

SMALL = ("demo", "--users", "50", "--gateways", "2", "--rate", "200")


@needs_server
def test_ends_with_a_good_verdict_and_all_figures(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with outcry(tmp_path, *SMALL, "--seconds", "5", "--report", str(report)) as command:
        assert command.finish() == 0, command.output + command.errors
        assert "VERDICT OK" in command.output
        assert command.leaves_nothing()
        assert not command.private_folders
    figures = json.loads(report.read_text())
    assert figures.keys() >= PROMISED
    assert (figures["users"], figures["gateways"], figures["connections_per_gateway"]) == (50, 2, [25, 25])
    assert (figures["books_verified"], figures["books_wrong"]) == (150, 0)
    assert (figures["gaps_seen"], figures["disconnects"], figures["digests_wrong"]) == (0, 0, 0)
    assert figures["digests_checked"] > 0
    assert 0.8 * 5 * 200 < figures["updates_published"] < 1.3 * 5 * 200
    assert {"gateway", "matching", "redis", "bots", "load"} <= figures["cpu_seconds"].keys()


@needs_server
def test_what_happens_on_purpose_is_announced_measured_and_judged(tmp_path: Path) -> None:
    """A gateway and the leading engine die, an instrument is closed to insiders, and nothing is lost."""
    report, page = tmp_path / "report.json", tmp_path / "page.html"
    seconds = ("--seconds", "9", "--kill-gateway", "1", "--kill-engine", "3", "--blackout", "7")
    with outcry(tmp_path, *SMALL, *seconds, "--report", str(report), "--html", str(page)) as command:
        assert command.finish() == 0, command.output + command.errors
        for part in ("is killed with -9, and its 25 users", "25 users moved", "the engine that leads, is killed",
                     "orders waited meanwhile, 0 were lost", "compliance closes", "insiders were ended",
                     "orders lost: 0", "VERDICT OK"):  # fmt: skip
            assert part in command.output
        assert command.leaves_nothing()
    figures = json.loads(report.read_text())
    gateway, engine, blackout = figures["story"]
    assert (gateway["deed"], gateway["users_moved"], gateway["orders_lost"]) == ("gateway", 25, 0)
    assert 0 < gateway["back_p50_ms"] <= gateway["back_ms"]
    assert (engine["deed"], engine["users_moved"], engine["orders_lost"]) == ("engine", 0, 0)
    assert 0 < engine["silent_ms"] < engine["back_ms"]
    assert blackout["orders_ended"] + blackout["orders_refused"] > 0
    assert (figures["books_verified"], figures["books_wrong"], len(figures["engines_lost"])) == (150, 0, 1)
    assert len(figures["series"]) >= 8
    assert page.read_text().count("<svg") == 4


@needs_server
def test_every_update_reaches_every_user_of_a_hot_book(tmp_path: Path) -> None:
    """Nobody falls behind here, so what was delivered is what was published, times the users."""
    report = tmp_path / "report.json"
    with outcry(tmp_path, *SMALL, "--hot", "--seconds", "2", "--report", str(report)) as command:
        assert command.finish() == 0, command.errors
    figures = json.loads(report.read_text())
    assert figures["books_verified"] == 50
    # Both ends are looked at a moment apart.
    assert figures["updates_delivered"] == pytest.approx(50 * figures["updates_published"], rel=0.1)


@needs_server
def test_ctrl_c_ends_it_early_with_the_verdict(tmp_path: Path) -> None:
    with outcry(tmp_path, *SMALL, "--seconds", "0") as command:
        command.wait_for(lambda: "users connected" in command.output)
        command.signal(signal.SIGINT)
        assert command.finish() == 0, command.errors
        assert "VERDICT OK" in command.output
        assert command.leaves_nothing()


@needs_server
def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with outcry(tmp_path, *SMALL) as command:
        command.wait_for(lambda: bool(command.processes("services.matching")))
        command.signal(signal.SIGTERM)
        assert command.finish() == 130
        assert "Traceback" not in command.errors
        assert command.leaves_nothing()
        assert not command.private_folders


@needs_server
@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_killed_it_leaves_nothing(tmp_path: Path) -> None:
    """Whoever loses patience and uses -9 must not find a market running next week."""
    with outcry(tmp_path, *SMALL, "--seconds", "0") as command:
        command.wait_for(lambda: "users connected" in command.output)
        command.signal(signal.SIGKILL)
        command.finish()
        assert command.leaves_nothing()


@needs_server
def test_a_dead_engine_is_an_error_with_its_log(tmp_path: Path) -> None:
    """No verdict is better than one about a market that stood still."""
    with outcry(tmp_path, *SMALL, "--engines", "1", "--seconds", "0") as command:
        command.wait_for(lambda: "users connected" in command.output)
        for engine in command.processes("services.matching"):
            engine.kill()
        assert command.finish() == 1
        assert "matching was ended by signal 9; its last lines:" in command.errors
        assert "Traceback" not in command.errors
        assert command.leaves_nothing()


@needs_server
@pytest.mark.parametrize("place", [0, 1])
def test_the_market_goes_on_without_one_of_two_engines(tmp_path: Path, place: int) -> None:
    """Whoever leads: books, verdict and the engines' CPU are found wherever they are."""
    report = tmp_path / "report.json"
    with outcry(tmp_path, *SMALL, "--seconds", "7", "--report", str(report)) as command:
        command.wait_for(lambda: "users connected" in command.output)
        name = f"matching-{place + 1}"
        engines = sorted(command.processes("services.matching"), key=lambda engine: engine.pid)
        engines[place].kill()
        assert command.finish() == 0, command.output + command.errors
        assert f"{name} was ended by signal 9; another engine leads" in command.output
        assert command.leaves_nothing()
    figures = json.loads(report.read_text())
    assert (figures["engines"], figures["engines_lost"]) == (2, [name])
    assert (figures["books_verified"], figures["books_wrong"]) == (150, 0)
    assert figures["cpu_seconds"]["matching"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--users", "0"), "--users must be 1 to"),
        (("--engines", "0"), "--engines must be 1 to 8"),
        (("--chaos", "--hot"), "--chaos has traders of its own"),
        (("--chaos", "--rate", "5000"), "--rate must be above 0 and at most 400 with --chaos"),
        (("--rate", "0"), "--rate must be above 0"),
        (("--replay", "nowhere.csv"), "cannot read nowhere.csv"),
        (("--redis-url", "http://127.0.0.1"), "--redis-url 'http://127.0.0.1'"),
        (("--speed", "warp", "--replay", "x.csv"), "--speed must be a number above 0, or max"),
    ],
)
def test_misuse_is_told_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    with outcry(tmp_path, "demo", *arguments) as command:
        assert command.finish() == 2
        assert said in command.errors
        assert "Traceback" not in command.errors
        assert command.leaves_nothing()


def test_an_absent_redis_is_told_in_a_sentence(tmp_path: Path) -> None:
    with outcry(tmp_path, "demo", "--redis-url", "redis://127.0.0.1:1") as command:
        assert command.finish() == 1
        assert "no Redis answers at redis://127.0.0.1:1" in command.errors
        assert "Traceback" not in command.errors
