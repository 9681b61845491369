"""The command's own words: help worth reading, and errors that say what to do."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from outcry.cli.app import COMMANDS, app
from shared.identity import Authenticator
from shared.key_ring import KeyRing
from shared.token_keys import shared_key

SHOWS_WHAT_IT_IMPORTED = """
import sys
import outcry.start

sys.argv = ["outcry", *sys.argv[1:]]
try:
    outcry.start.main()
finally:
    heavy = {"asyncio", "openoutcry", "pydantic", "redis", "services"}
    print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_the_first_line_of_the_command_s_own_help(name: str) -> None:
    command = typer.main.get_command(import_module(f"outcry.cli.{name}").app)
    assert command.help is not None
    assert " ".join(command.help.split("\n\n")[0].split()) == COMMANDS[name]


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_import_no_command(flag: str) -> None:
    """They took a second; whoever completes a name waits for them as well."""
    argv = [sys.executable, "-c", SHOWS_WHAT_IT_IMPORTED, flag]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "[]\n")


def test_a_command_that_is_none_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(app, ["dmeo"])
    assert result.exit_code == 2
    assert "Did you mean 'demo'?" in result.stderr


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(f" {command} " in shown for command in COMMANDS)


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith(f"outcry {importlib.metadata.version('openoutcry')}, Python 3.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["load", "--html"],
        ["load", "--report"],
        ["demo", "--report"],
        ["demo", "--chaos", "--report"],
        ["conformance", "--json"],
    ],
    ids=" ".join,
)
def test_a_file_that_cannot_be_written_is_told_before_the_run(arguments: list[str], tmp_path: Path) -> None:
    """It was told after it, and the figures were lost."""
    (tmp_path / "file").touch()
    for path, said in (
        (tmp_path / "nowhere" / "r", "there is no folder"),
        (tmp_path / "file" / "r", "there is no folder"),
        (tmp_path, "is a folder: name a file"),
    ):
        result = CliRunner().invoke(app, [*arguments, str(path)])
        assert result.exit_code == 2
        assert f"outcry: {arguments[-1]} {path}" in result.output
        assert said in result.output


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, flag: str) -> None:
    """That of the services is their own: whatever they learn, the command knows."""
    result = CliRunner().invoke(app, [command, flag])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_a_replay_s_file_is_looked_for_before_anything_is_connected_to(tmp_path: Path) -> None:
    """It was told after the 20 s that a Redis which is not there has to answer."""
    flags = ["--instrument", "ACME", "--redis-url", "redis://127.0.0.1:1/0"]
    result = CliRunner().invoke(app, ["replay", str(tmp_path / "missing.csv"), *flags])
    assert result.exit_code == 2
    assert "missing.csv: No such file or directory" in result.stderr


def test_a_replay_s_instrument_is_looked_at_before_anything_is_connected_to(tmp_path: Path) -> None:
    (tmp_path / "flow.csv").touch()
    flags = ["--instrument", "acme", "--redis-url", "redis://127.0.0.1:1/0"]
    result = CliRunner().invoke(app, ["replay", str(tmp_path / "flow.csv"), *flags])
    assert result.exit_code == 2
    assert "instrument 'acme': symbol must be" in result.stderr


def named(output: str, now: float) -> str:
    return Authenticator(KeyRing(shared_key(b"x" * 32))).verify(output.strip(), now).user


def test_a_token_names_its_user(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x" * 32 + "\n")
    result = CliRunner().invoke(app, ["token", "ann", "--secret-file", str(secret), "--days", "1"])
    assert result.exit_code == 0
    assert named(result.output, time.time() + 23 * 3600) == "ann"


def test_a_user_may_be_called_as_a_command_is(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x" * 32)
    result = CliRunner().invoke(app, ["token", "mint", "check", "--secret-file", str(secret)])
    assert named(result.output, time.time()) == "check"


def test_a_token_is_checked_as_a_gateway_would(tmp_path: Path) -> None:
    """Whom it names, until when, and what is wrong; never the token itself."""
    secret = tmp_path / "secret"
    secret.write_text("x" * 32)
    flags = ["--secret-file", str(secret)]
    token = CliRunner().invoke(app, ["token", "ann", *flags, "--audience", "market"]).output
    good = CliRunner().invoke(app, ["token", "check", *flags, "--audience", "market"], input=token)
    assert good.exit_code == 0
    assert "user        ann" in good.output
    assert "good " in good.output
    wrong = CliRunner().invoke(app, ["token", "check", token.strip(), *flags])
    assert wrong.exit_code == 1
    assert "TOKEN_AUDIENCE" in wrong.output
    unchecked = CliRunner().invoke(app, ["token", "check", token.strip(), "--secret-file", str(tmp_path / "none")])
    assert unchecked.exit_code == 1
    assert "signature: not checked" in unchecked.output
    misused = CliRunner().invoke(app, ["token", "check", token.strip(), "--jwks", "http://idp.example.com/keys"])
    assert misused.exit_code == 2
    for result in (good, wrong, unchecked, misused):
        assert token.strip() not in result.output + result.stderr


@pytest.mark.parametrize(
    ("user", "secret", "said"),
    [
        ("ann", None, "make a secret by: openssl rand"),
        ("ann", "short", "needs 32"),
        ("a b", "x" * 32, "user must be"),
    ],
)
def test_a_token_that_cannot_be_minted_is_explained(tmp_path: Path, user: str, secret: str | None, said: str) -> None:
    path = tmp_path / "secret"
    if secret is not None:
        path.write_text(secret)
    result = CliRunner().invoke(app, ["token", user, "--secret-file", str(path)])
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("days", ["nan", "inf", "-inf", "1e300", "0", "-1"])
def test_days_that_are_none_are_explained(tmp_path: Path, days: str) -> None:
    """Some ended with a traceback, others minted a token of no use to anybody."""
    secret = tmp_path / "secret"
    secret.write_text("x" * 32)
    result = CliRunner().invoke(app, ["token", "ann", "--secret-file", str(secret), "--days", days])
    assert result.exit_code == 2
    assert "--days must be above 0 and at most 36525" in result.stderr


@pytest.mark.parametrize("rate", ["nan", "inf", "0", "-5"])
def test_the_rate_of_bots_is_looked_at_before_anything_is_connected_to(rate: str) -> None:
    """The other commands did; bots waited 20 s for a Redis first, and then traded at no rate that there is."""
    result = CliRunner().invoke(app, ["bots", "--rate", rate, "--redis-url", "redis://127.0.0.1:1/0"])
    assert result.exit_code == 2
    assert "--rate must be above 0" in result.stderr


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_demo_of_no_length_is_explained(seconds: str) -> None:
    result = CliRunner().invoke(app, ["demo", "--seconds", seconds])
    assert result.exit_code == 2
    assert "--seconds must be a number of 0 or more" in result.stderr


@pytest.mark.parametrize("depth", ["0", "7", "-5"])
def test_a_depth_that_no_book_has_is_told_before_anything_is_connected_to(depth: str) -> None:
    result = CliRunner().invoke(app, ["watch", "ACME", "--token", "x", "--depth", depth, "--url", "ws://127.0.0.1:1/"])
    assert result.exit_code == 2
    assert f"--depth must be one of 5, 10, 20, 50, not {depth}" in result.stderr


def test_a_speed_that_is_none_is_explained(tmp_path: Path) -> None:
    flags = ["--instrument", "A", "--redis-url", "redis://127.0.0.1:1", "--speed", "fast"]
    result = CliRunner().invoke(app, ["replay", str(tmp_path / "x.csv"), *flags])
    assert result.exit_code == 2
    assert "--speed must be a number above 0, or max, not 'fast'" in result.stderr
