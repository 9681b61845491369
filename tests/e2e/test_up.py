"""`outcry up`: the stack without users, for whoever brings his own."""

from __future__ import annotations

import json
import signal
import stat
import urllib.request
from pathlib import Path

from outcry.stack.aio.free_ports import free_ports
from shared.identity import Authenticator
from shared.key_ring import KeyRing
from shared.token_keys import shared_key
from tests.e2e.command import needs_server, outcry
from tests.e2e.readme import printed, program


@needs_server
def test_says_when_it_is_ready_and_ends_when_told(tmp_path: Path) -> None:
    """With that line in a file the README's client runs as pasted."""
    (port,) = free_ports(1)
    with outcry(tmp_path, "up", "--gateways", "1", "--port", str(port), "--bots", "500") as command:
        command.wait_for(lambda: command.output.endswith("\n"))
        (line,) = command.output.splitlines()
        ready = json.loads(line)
        assert ready["gateways"] == [f"ws://127.0.0.1:{port}/v1/stream"]
        assert ready["redis"].startswith("redis://127.0.0.1:")
        assert "ACME" in ready["instruments"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            assert answer.status == 200
        _check_tokens(ready["token"], Path(ready["tokens"]))
        (tmp_path / "market.json").write_text(line)
        told = printed(program("openoutcry.connect"), tmp_path)
        assert len(told) > 1
        assert all(one.endswith("verified") for one in told), told
        command.signal(signal.SIGTERM)
        assert command.finish() == 0, command.errors
        assert command.output.splitlines() == [line]
        assert command.leaves_nothing()
        assert not Path(ready["tokens"]).exists()


def _check_tokens(token: str, tokens: Path) -> None:
    secret = (tokens.parent / "token-secret").read_bytes()
    assert Authenticator(KeyRing(shared_key(secret))).verify(token, 0.0).user == "developer"
    lines = tokens.read_text().splitlines()
    assert len({Authenticator(KeyRing(shared_key(secret))).verify(line, 0.0).user for line in lines[:50]}) == 50
    assert len(lines) == 10_000
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600


@needs_server
def test_a_taken_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (port,) = free_ports(1)
    with outcry(tmp_path, "up", "--gateways", "1", "--port", str(port), "--bots", "0") as command:
        command.wait_for(lambda: command.output.endswith("\n"))
        with outcry(tmp_path / "other", "up", "--gateways", "1", "--port", str(port)) as second:
            assert second.finish() == 2
            assert f"port {port} cannot be used" in second.errors
            assert "choose --port" in second.errors
            assert second.output == ""


@needs_server
def test_a_part_that_dies_is_started_again(tmp_path: Path) -> None:
    """Kill -9 of a gateway, then of the engine: the stack stands again, and says what happened."""
    (port,) = free_ports(1)
    flags = ("--gateways", "1", "--engines", "1", "--port", str(port), "--bots", "50")
    with outcry(tmp_path, "up", *flags) as command:
        command.wait_for(lambda: command.output.endswith("\n"))
        for module, name in (("services.gateway", "gateway-1"), ("services.matching", "matching")):
            (process,) = command.processes(module)
            process.kill()
            command.wait_for(lambda name=name: f"{name} was ended by signal 9; starting it again" in command.errors)
            command.wait_for(lambda: _is_ready(port))
        command.signal(signal.SIGTERM)
        assert command.finish() == 0, command.errors
        assert command.leaves_nothing()


@needs_server
def test_of_two_engines_one_leads_and_whoever_dies_is_started_again(tmp_path: Path) -> None:
    """Users notice no more than a pause, and a while later there are two again."""
    (port,) = free_ports(1)
    with outcry(tmp_path, "up", "--gateways", "1", "--port", str(port), "--bots", "50") as command:
        command.wait_for(lambda: command.output.endswith("\n"))
        engines = sorted(command.processes("services.matching"), key=lambda engine: engine.pid)
        assert len(engines) == 2
        engines[0].kill()
        command.wait_for(lambda: "matching-1 was ended by signal 9; starting it again" in command.errors)
        command.wait_for(lambda: len(command.processes("services.matching")) == 2)
        command.wait_for(lambda: _is_ready(port))
        command.signal(signal.SIGTERM)
        assert command.finish() == 0, command.errors
        assert command.leaves_nothing()


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
